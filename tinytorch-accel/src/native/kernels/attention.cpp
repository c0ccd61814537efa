// Scaled dot-product attention (Vaswani et al. 2017, section 3.2.1), without the square of the sequence's length in
// memory (FlashAttention-2, Dao 2023, algorithms 1 and 2):
//
//   s = scale * q . k + mask,   p = exp(s - log_sum),   out = sum over keys of p * v,   log_sum = log(sum(exp(s)))
//
// Each lane of a vector is a query. A block of 2 W queries is turned once, so that a number of each of them stands in
// two vectors; keys and values are read as they lie, a number at a time for all queries of the block. So the largest
// score and the sum of a query are those of a lane: nothing is added across lanes, and masks of keys are few. Keys come
// in tiles whose scores stay in the first-level cache. Of the scores so far a block knows
//
//   largest, total = sum(exp(s - largest)), out = sum(exp(s - largest) * v)
//
// and a tile with a larger one multiplies the others by exp(old largest - new largest). A query that sees nothing has
// total 0; it gives zeros, and 0 for the log_sum.
//
// Backward makes p anew from log_sum, with slope = grad . v and overlap = grad . out:
//
//   d = p * (slope - overlap) * scale,   by_q = sum of d * k,   by_k = sum of d * q,   by_v = sum of p * grad
//
// The last two are sums over queries: one thread makes all of a key head, so that their order is always the same.
//
// A single query is another matter: see one_query.cpp.
//
// Causally, keys after the last query of a block are not looked at. What a nan there would have done in the core, whose
// blocks are larger, to queries that do not see it is not done here.

#include "kernels.h"
#include "one_query.h"
#include "pool.h"
#include "simd.h"
#include "transpose.h"

namespace ISA {
namespace {

constexpr size_t QUERIES = 2 * W;  // of a block
constexpr size_t TILE = 48;        // keys
constexpr size_t TOGETHER = 6;     // sums of two vectors each, all in registers

// How many of `count` sums are computed next: 8 are twice 4, not 6 and 2, which would leave the processor waiting.
size_t together(size_t count) { return count >= TOGETHER && count != 8 ? TOGETHER : count >= 4 ? 4 : 1; }

constexpr float INFINITE = __builtin_inff();

struct Pair {
    Vector low, high;
};

inline Pair load_pair(const float* from) { return {load(from, W), load(from + W, W)}; }

inline void store_pair(float* to, Pair x) {
    store(to, x.low, W);
    store(to + W, x.high, W);
}

// How factor(i, j) lies in memory: i in a row, or j in a row; the other at a distance.
enum class InRow { I, J };

template <InRow which> inline float factor_at(const float* factors, ptrdiff_t distance, size_t i, size_t j) {
    return which == InRow::I ? factors[i + static_cast<ptrdiff_t>(j) * distance]
                             : factors[j + static_cast<ptrdiff_t>(i) * distance];
}

// out[i] (+)= sum over j of factor(i, j) * lanes[j] for i < N, the sums in registers.
template <size_t N, InRow which>
[[gnu::flatten]] void products(const float* factors, ptrdiff_t distance, const float* lanes, size_t size, float* out,
                               bool added) {
    Pair sums[N] = {};
    if (added) unrolled<N>([&](size_t i) { sums[i] = load_pair(out + i * QUERIES); });
    for (size_t j = 0; j < size; j++) {
        const Pair lane = load_pair(lanes + j * QUERIES);
        unrolled<N>([&](size_t i) {
            const float factor = factor_at<which>(factors, distance, i, j);
            sums[i].low += lane.low * factor;
            sums[i].high += lane.high * factor;
        });
    }
    unrolled<N>([&](size_t i) { store_pair(out + i * QUERIES, sums[i]); });
}

// The same for i < count.
template <InRow which>
void all_products(const float* factors, ptrdiff_t distance, const float* lanes, size_t size, float* out, size_t count,
                  bool added) {
    const ptrdiff_t across = which == InRow::I ? 1 : distance;
    while (count) {
        const size_t some = together(count);
        const auto kernel = some == TOGETHER ? products<TOGETHER, which>
                            : some == 4      ? products<4, which>
                                             : products<1, which>;
        kernel(factors, distance, lanes, size, out, added);
        factors += static_cast<ptrdiff_t>(some) * across;
        out += some * QUERIES;
        count -= some;
    }
}

// Vectors of a block's queries, one query `distance` numbers behind the other.
struct Rows {
    const float* data;
    ptrdiff_t distance;
    size_t count;
};

// out[i] += sum over queries of weights(i, query) * vectors[query] for i < N and `places` vectors of numbers.
template <size_t N, size_t places>
[[gnu::flatten]] inline void outer(const float* weights, Rows from, float* out, ptrdiff_t distance, size_t count) {
    Vector sums[N][places] = {};
    const auto each = [&](auto step) {
        unrolled<N>([&](size_t i) {
            unrolled<places>([&](size_t place) {
                step(sums[i][place], i, place, out + static_cast<ptrdiff_t>(i) * distance + place * W);
            });
        });
    };
    each([=](Vector& sum, size_t, size_t, float* to) { sum = load(to, count); });
    for (size_t j = 0; j < from.count; j++) {
        Vector numbers[places];
        unrolled<places>([&](size_t place) {
            numbers[place] = load(from.data + static_cast<ptrdiff_t>(j) * from.distance + place * W, count);
        });
        each([&](Vector& sum, size_t i, size_t place, float*) { sum += numbers[place] * weights[i * QUERIES + j]; });
    }
    each([=](Vector& sum, size_t, size_t, float* to) { store(to, sum, count); });
}

// The same for vectors of any width.
template <size_t N> void wide_outer(const float* weights, Rows from, float* out, ptrdiff_t distance, size_t width) {
    for (; width >= 2 * W; width -= 2 * W) {
        outer<N, 2>(weights, from, out, distance, W);
        from.data += 2 * W;
        out += 2 * W;
    }
    for (; width >= W; width -= W) {
        outer<N, 1>(weights, from, out, distance, W);
        from.data += W;
        out += W;
    }
    if (width) outer<N, 1>(weights, from, out, distance, width);
}

// The same for i < count.
void all_outer(const float* weights, Rows from, float* out, ptrdiff_t distance, size_t count, size_t width) {
    while (count) {
        const size_t some = together(count);
        const auto kernel = some == TOGETHER ? wide_outer<TOGETHER> : some == 4 ? wide_outer<4> : wide_outer<1>;
        kernel(weights, from, out, distance, width);
        weights += some * QUERIES;
        out += static_cast<ptrdiff_t>(some) * distance;
        count -= some;
    }
}

// The queries of a block, of one head.
struct Block {
    size_t batch, head, key_head, start, queries, seen;  // seen: keys that any of them may see
    Block(const Attention& job, size_t batch, size_t head, size_t start)
        : batch(batch), head(head), key_head(head / (job.heads / job.key_heads)), start(start),
          queries(job.time - start < QUERIES ? job.time - start : QUERIES),
          seen(job.causal && start + queries < job.keys ? start + queries : job.keys) {}
};

// (queries, width) -> (width, QUERIES) times a factor, 0 in the lanes of no query.
void turned(const Four<const float>& from, const Block& block, size_t width, float factor, float* to) {
    for (size_t lane = 0; lane < QUERIES; lane += W)
        each_vector(width, [=, &from, &block](size_t i, size_t count) {
            Vector rows[W] = {};
            for (size_t k = 0; k < W && lane + k < block.queries; k++)
                rows[k] = load(from.row(block.batch, block.head, block.start + lane + k) + i, count) * factor;
            transpose(rows);
            for (size_t k = 0; k < count; k++) store(to + (i + k) * QUERIES + lane, rows[k], W);
        });
}

void turned_back(const float* from, const Block& block, size_t width, const Four<float>& to) {
    for (size_t lane = 0; lane < block.queries; lane += W)
        each_vector(width, [=, &block, &to](size_t i, size_t count) {
            Vector rows[W] = {};
            for (size_t k = 0; k < count; k++) rows[k] = load(from + (i + k) * QUERIES + lane, W);
            transpose(rows);
            for (size_t k = 0; k < W && lane + k < block.queries; k++)
                store(to.row(block.batch, block.head, block.start + lane + k) + i, rows[k], count);
        });
}

void add_mask(const Mask& mask, const Block& block, size_t key, size_t keys, float* scores) {
    if (!mask.added && !mask.seen) return;
    const ptrdiff_t begin = static_cast<ptrdiff_t>(block.batch) * mask.batch +
                            static_cast<ptrdiff_t>(block.head) * mask.head +
                            static_cast<ptrdiff_t>(block.start) * mask.time + static_cast<ptrdiff_t>(key) * mask.key;
    for (size_t lane = 0; lane < block.queries; lane++) {
        ptrdiff_t place = begin + static_cast<ptrdiff_t>(lane) * mask.time;
        for (size_t i = 0; i < keys; i++, place += mask.key)
            scores[i * QUERIES + lane] = masked(mask, place, scores[i * QUERIES + lane]);
    }
}

// From the scores of keys that come after a query, infinity is subtracted, so that nan stays.
void hide_later(const Block& block, size_t key, size_t keys, float* scores) {
    for (size_t i = key > block.start ? 0 : block.start + 1 - key; i < keys; i++)
        for (size_t lane = 0; lane < QUERIES; lane += W) {
            const Ints earlier = places() + static_cast<int32_t>(block.start + lane) < static_cast<int32_t>(key + i);
            float* score = scores + i * QUERIES + lane;
            store(score, load(score, W) - select(earlier, all(INFINITE), Vector{}), W);
        }
}

// Masked scores of the block and the keys from `key`: (keys, QUERIES).
void scores_of(const Attention& job, const Block& block, const float* queries, size_t key, size_t keys, float* scores) {
    const float* rows = job.k.row(block.batch, block.key_head, key);
    all_products<InRow::J>(rows, job.k.time, queries, job.width, scores, keys, false);
    add_mask(job.mask, block, key, keys, scores);
    if (job.causal && key + keys > block.start) hide_later(block, key, keys, scores);
}

// One vector of lanes of a tile: scores become weights, and what was before is made smaller by the factor.
inline Vector online(float* scores, size_t keys, float* largest, float* total) {
    const Vector before = load(largest, W);
    Vector most = before;
    for (size_t i = 0; i < keys; i++) most = larger(most, load(scores + i * QUERIES, W));
    const Vector taken = select(most == -INFINITE, Vector{}, most);
    const Vector factor = exp(before - taken);
    Vector sums = load(total, W) * factor;
    for (size_t i = 0; i < keys; i++) {
        const Vector weight = exp(load(scores + i * QUERIES, W) - taken);
        store(scores + i * QUERIES, weight, W);
        sums += weight;
    }
    store(largest, most, W);
    store(total, sums, W);
    return factor;
}

void scaled_by(float* lanes, size_t size, Pair factor) {
    for (size_t i = 0; i < size; i++) {
        const Pair x = load_pair(lanes + i * QUERIES);
        store_pair(lanes + i * QUERIES, {x.low * factor.low, x.high * factor.high});
    }
}

void finish(const Attention& job, const Block& block, const float* largest, float* total, float* out) {
    float* log_sums = job.log_sums + (block.batch * job.heads + block.head) * job.time + block.start;
    for (size_t lane = 0; lane < QUERIES; lane++) {
        if (total[lane] == 0.0f) total[lane] = 1.0f;
        const float most = largest[lane] == -INFINITE ? 0.0f : largest[lane];
        if (lane < block.queries) log_sums[lane] = __builtin_logf(total[lane]) + most;
    }
    const Pair sums = load_pair(total);
    for (size_t i = 0; i < job.out_width; i++) {
        const Pair x = load_pair(out + i * QUERIES);
        store_pair(out + i * QUERIES, {x.low / sums.low, x.high / sums.high});
    }
    turned_back(out, block, job.out_width, job.out);
}

void forward_block(const Attention& job, const Block& block) {
    alignas(64) float queries[LONGEST_VECTOR * QUERIES], out[LONGEST_VECTOR * QUERIES];
    alignas(64) float scores[TILE * QUERIES], largest[QUERIES], total[QUERIES];
    const Four<const float>& v = job.v;
    turned(job.q, block, job.width, job.scale, queries);
    for (size_t lane = 0; lane < QUERIES; lane++) largest[lane] = -INFINITE, total[lane] = 0.0f;
    for (size_t key = 0; key < block.seen; key += TILE) {
        const size_t keys = block.seen - key < TILE ? block.seen - key : TILE;
        scores_of(job, block, queries, key, keys, scores);
        const Vector low = online(scores, keys, largest, total);
        const Vector high = online(scores + W, keys, largest + W, total + W);
        if (key) scaled_by(out, job.out_width, {low, high});
        all_products<InRow::I>(v.row(block.batch, block.key_head, key), v.time, scores, keys, out, job.out_width, key != 0);
    }
    finish(job, block, largest, total, out);
}

void attention(const Attention& job) {
    if (job.time == 1) return attend_with_one_query(job);
    const size_t blocks = divided_up(job.time, QUERIES);
    const size_t work = QUERIES * job.keys * (job.width + job.out_width);  // of a block
    in_blocks(job.batch * job.heads * blocks, 1 + (size_t{1} << 18) / work, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; i++)
            forward_block(job, Block(job, i / blocks / job.heads, i / blocks % job.heads, i % blocks * QUERIES));
    });
}

// grad . out of each query.
void overlaps_of(const Four<const float>& grad, const Attention& job, const Block& block, float* overlaps) {
    for (size_t lane = 0; lane < QUERIES; lane++) {
        overlaps[lane] = 0.0f;
        if (lane >= block.queries) continue;
        const float* arrived = grad.row(block.batch, block.head, block.start + lane);
        const float* out = job.out.row(block.batch, block.head, block.start + lane);
        Vector sums{};
        each_vector(job.out_width, [&](size_t i, size_t count) {
            sums += load(arrived + i, count) * load(out + i, count);
        });
        overlaps[lane] = sum(sums);
    }
}

// Scores become weights, slopes the derivatives of scores.
void derivatives(float* scores, float* slopes, size_t keys, Pair log_sums, Pair overlaps, float scale) {
    for (size_t i = 0; i < keys; i++) {
        const Pair score = load_pair(scores + i * QUERIES), slope = load_pair(slopes + i * QUERIES);
        const Pair weight = {exp(score.low - log_sums.low), exp(score.high - log_sums.high)};
        store_pair(scores + i * QUERIES, weight);
        store_pair(slopes + i * QUERIES, {(slope.low - overlaps.low) * weight.low * scale,
                                          (slope.high - overlaps.high) * weight.high * scale});
    }
}

void backward_block(const AttentionGrad& job, const Block& block) {
    const Attention& forward = job.forward;
    const size_t width = forward.width, out_width = forward.out_width;
    alignas(64) float queries[LONGEST_VECTOR * QUERIES], grads[LONGEST_VECTOR * QUERIES];
    alignas(64) float by_queries[LONGEST_VECTOR * QUERIES];
    alignas(64) float scores[TILE * QUERIES], slopes[TILE * QUERIES], overlaps[QUERIES], sums[QUERIES] = {};
    const float* log_sums = forward.log_sums + (block.batch * forward.heads + block.head) * forward.time + block.start;
    for (size_t lane = 0; lane < block.queries; lane++) sums[lane] = log_sums[lane];
    turned(forward.q, block, width, forward.scale, queries);
    turned(job.grad, block, out_width, 1.0f, grads);
    overlaps_of(job.grad, forward, block, overlaps);
    const Rows from = {forward.q.row(block.batch, block.head, block.start), forward.q.time, block.queries};
    const Rows arrived = {job.grad.row(block.batch, block.head, block.start), job.grad.time, block.queries};
    for (size_t key = 0; key < block.seen; key += TILE) {
        const size_t keys = block.seen - key < TILE ? block.seen - key : TILE;
        const float* k = forward.k.row(block.batch, block.key_head, key);
        const float* v = forward.v.row(block.batch, block.key_head, key);
        scores_of(forward, block, queries, key, keys, scores);
        all_products<InRow::J>(v, forward.v.time, grads, out_width, slopes, keys, false);
        derivatives(scores, slopes, keys, load_pair(sums), load_pair(overlaps), forward.scale);
        all_products<InRow::I>(k, forward.k.time, slopes, keys, by_queries, width, key != 0);
        all_outer(scores, arrived, job.by_v.row(block.batch, block.key_head, key), job.by_v.time, keys, out_width);
        all_outer(slopes, from, job.by_k.row(block.batch, block.key_head, key), job.by_k.time, keys, width);
    }
    turned_back(by_queries, block, width, job.by_q);
}

void clear(const Four<float>& array, size_t batch, size_t head, size_t time, size_t width) {
    for (size_t t = 0; t < time; t++) {
        float* row = array.row(batch, head, t);
        each_vector(width, [=](size_t i, size_t count) { store(row + i, Vector{}, count); });
    }
}

void attention_grad(const AttentionGrad& job) {
    const Attention& forward = job.forward;
    const size_t shared = forward.heads / forward.key_heads;
    const size_t work = 2 * shared * forward.time * forward.keys * (forward.width + forward.out_width);
    in_blocks(forward.batch * forward.key_heads, 1 + (size_t{1} << 18) / work, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; i++) {
            const size_t batch = i / forward.key_heads, key_head = i % forward.key_heads;
            clear(job.by_k, batch, key_head, forward.keys, forward.width);
            clear(job.by_v, batch, key_head, forward.keys, forward.out_width);
            for (size_t head = key_head * shared; head < (key_head + 1) * shared; head++)
                for (size_t start = 0; start < forward.time; start += QUERIES)
                    backward_block(job, Block(forward, batch, head, start));
        }
    });
}

}  // namespace

void add_attention(Kernels& table) {
    table.attention = attention;
    table.attention_grad = attention_grad;
}

}  // namespace ISA

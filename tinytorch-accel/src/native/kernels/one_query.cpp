// Attention of one query to many keys, as where a text grows token by token: of the lanes that attention.cpp has, one
// for each query, all but one would be empty. So a vector is W numbers of a key or value, and then the scores of W
// keys.
//
// Keys come in tiles; what is known of those before is as in attention.cpp the largest score, the sum of exp(s -
// largest) and the values' sum with these weights, which a tile with a larger score makes smaller.

#include "one_query.h"

#include "pool.h"
#include "rows.h"
#include "simd.h"
#include "transpose.h"

namespace ISA {
namespace {

constexpr size_t TILE = 256;      // keys
constexpr size_t WORK = 1 << 16;  // multiplications that are worth handing to another thread
constexpr size_t VECTORS = 4;     // of a value, whose sums are in registers, for two keys at a time
constexpr float INFINITE = __builtin_inff();

// The scores of `count` keys, at most W: the lanes of each one's products are added when they are turned around.
inline Vector scores_of(const float* query, const float* keys, ptrdiff_t apart, size_t count, size_t width) {
    const float* rows[W];
    for (size_t i = 0; i < W; i++) rows[i] = keys + static_cast<ptrdiff_t>(smaller(i, count - 1)) * apart;
    Vector sums[W] = {};
    each_vector(width, [&](size_t i, size_t lanes) {
        const Vector numbers = load(query + i, lanes);
        unrolled<W>([&](size_t k) { sums[k] += load(rows[k] + i, lanes) * numbers; });
    });
    transpose(sums);
    for (size_t half = W / 2; half; half /= 2)
        for (size_t i = 0; i < half; i++) sums[i] += sums[i + half];
    return sums[0];
}

// out = out * factor + the sum over keys of weight * value, for COUNT vectors, `lanes` numbers in the last of them.
template <size_t COUNT> [[gnu::flatten]] void add_values(const float* weights, const float* values, ptrdiff_t apart,
                                                         size_t keys, float factor, size_t lanes, float* out) {
    const auto size = [=](size_t v) { return v + 1 < COUNT ? W : lanes; };
    Vector sums[2][COUNT] = {};
    const auto add = [&](size_t key, Vector(&to)[COUNT]) {
        const float* value = values + static_cast<ptrdiff_t>(key) * apart;
        unrolled<COUNT>([&](size_t v) { to[v] += load(value + v * W, size(v)) * weights[key]; });
    };
    unrolled<COUNT>([&](size_t v) { sums[0][v] = load(out + v * W, W) * factor; });
    size_t key = 0;
    for (; key + 2 <= keys; key += 2) add(key, sums[0]), add(key + 1, sums[1]);
    if (key < keys) add(key, sums[0]);
    unrolled<COUNT>([&](size_t v) { store(out + v * W, sums[0][v] + sums[1][v], W); });
}

void add_all_values(const float* weights, const float* values, ptrdiff_t apart, size_t keys, float factor, size_t width,
                    float* out) {
    size_t i = 0;
    for (; i + VECTORS * W <= width; i += VECTORS * W)
        add_values<VECTORS>(weights, values + i, apart, keys, factor, W, out + i);
    for (; i < width; i += W) add_values<1>(weights, values + i, apart, keys, factor, smaller(width - i, W), out + i);
}

void add_mask(const Mask& mask, size_t batch, size_t head, size_t key, size_t keys, float* scores) {
    if (!mask.added && !mask.seen) return;
    ptrdiff_t place = static_cast<ptrdiff_t>(batch) * mask.batch + static_cast<ptrdiff_t>(head) * mask.head +
                      static_cast<ptrdiff_t>(key) * mask.key;
    for (size_t i = 0; i < keys; i++, place += mask.key) scores[i] = masked(mask, place, scores[i]);
}

void attend(const Attention& job, size_t batch, size_t head) {
    const size_t key_head = head / (job.heads / job.key_heads);
    alignas(64) float query[LONGEST_VECTOR], out[LONGEST_VECTOR + W] = {}, scores[TILE + W];
    const float* given = job.q.row(batch, head, 0);
    each_vector(job.width,
                [&](size_t i, size_t count) { store(query + i, load(given + i, count) * job.scale, count); });
    float largest = -INFINITE, total = 0.0f;
    const size_t seen = job.causal ? smaller(job.keys, 1) : job.keys;
    for (size_t key = 0, keys; key < seen; key += keys) {
        keys = smaller(seen - key, TILE);
        const float* rows = job.k.row(batch, key_head, key);
        for (size_t i = 0; i < keys; i += W, rows += static_cast<ptrdiff_t>(W) * job.k.time)
            store(scores + i, scores_of(query, rows, job.k.time, smaller(keys - i, W), job.width), W);
        add_mask(job.mask, batch, head, key, keys, scores);
        const float before = largest, most = largest_of(scores, keys);
        if (most > largest) largest = most;
        const float taken = largest == -INFINITE ? 0.0f : largest, factor = exp(all(before - taken))[0];
        total *= factor;
        total += sum_of(keys, [&](size_t i, size_t count) {
            const Vector weights = exp(load(scores + i, count) - taken);
            store(scores + i, weights, count);
            return weights;
        });
        add_all_values(scores, job.v.row(batch, key_head, key), job.v.time, keys, factor, job.out_width, out);
    }
    if (total == 0.0f) total = 1.0f;
    job.log_sums[batch * job.heads + head] = __builtin_logf(total) + (largest == -INFINITE ? 0.0f : largest);
    float* to = job.out.row(batch, head, 0);
    each_vector(job.out_width, [&](size_t i, size_t count) { store(to + i, load(out + i, count) / total, count); });
}

}  // namespace

void attend_with_one_query(const Attention& job) {
    const size_t work = job.keys * (job.width + job.out_width) + 1;  // of a head
    in_blocks(job.batch * job.heads, WORK / work + 1, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; i++) attend(job, i / job.heads, i % job.heads);
    });
}

}  // namespace ISA

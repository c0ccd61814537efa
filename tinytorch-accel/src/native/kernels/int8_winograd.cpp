// Convolution of int8 codes with windows of 3 x 3, with 16 products where int8_conv.cpp has 36.
//
// Winograd's way (Lavin & Gray 2016, "Fast algorithms for convolutional neural networks", F(2 x 2, 3 x 3)): 2 x 2 outputs
// y see 4 x 4 inputs d through a window g of 3 x 3, and
//
//   y = A (G g G' * B d B') A'     * place by place, summed over the channels before A; ' turned around
//
//       1  0  0          1  0 -1  0
//   G = ½  ½  ½      B = 0  1  1  0      A = 1  1  1  0
//       ½ -½  ½          0 -1  1  0          0  1 -1 -1
//       0  0  1          0  1  0 -1
//
// Of floats that rounds otherwise, and loses what is small beside its neighbours. Here all numbers are whole, with 2 G
// for G, and sums four times as large: nothing is rounded, so the codes are the same ones. Numbers of B d B' and of
// 2 G g (2 G)' fit int16. In one dimension |B| (2 at each place) meets |2 G| (2, 3, 3, 2), and A adds three places: at most
// 2 (2 + 3 + 3) = 16 times |d| |g|, in both 256 times 2^14, and of MOST_CHANNELS channels 2^30.
//
// For TILES tiles of 2 x 2 outputs B d B' is computed for all channels; then for 2 W outputs, place by place, the sums over
// the channels, pair by pair as in int8_conv.cpp, and of all 16 places the outputs.

#include "int8_conv.h"
#include "transpose.h"

namespace ISA {
namespace {

constexpr size_t TILES = W == 16 ? 12 : 6;
constexpr size_t PLACES = 16;  // 4 x 4
constexpr size_t FEWEST_CHANNELS = 16, MOST_CHANNELS = 256;
constexpr size_t FEWEST_PIXELS = 16;  // of an image: for fewer, transforming the weights takes longer than it saves
constexpr size_t WORK = 1000000;      // multiplications that are worth handing to another thread

// All distances in numbers.
struct Plan {
    explicit Plan(const Int8Conv& job)
        : job(job),
          down((job.out_height + 1) / 2),
          across((job.out_width + 1) / 2),
          height(2 * down + 2),
          width(2 * across + 2),
          depth(up_to_multiple(job.channels, 2)),
          images(reinterpret_cast<int16_t*>(job.workspace)),
          weight(images + framed_size(job, height, width)) {}
    size_t tiles() const { return job.batch * down * across; }

    const Int8Conv& job;
    size_t down, across;   // tiles of an image
    size_t height, width;  // of an image in its frame, which reaches as far as the tiles do
    size_t depth;          // weights of an output at one place
    int16_t *images, *weight;
};

// One dimension of 2 G g, B d and A m: numbers `apart` from each other, to numbers `step` from each other.
struct OfWeights {
    template <class Many> static void transform(const Many* g, size_t apart, Many* to, size_t step) {
        const Many a = g[0], b = g[apart], c = g[2 * apart];
        to[0] = a + a, to[step] = a + b + c, to[2 * step] = a - b + c, to[3 * step] = c + c;
    }
    static constexpr size_t FROM = 3, TO = 4;
};

struct OfImages {
    template <class Many> static void transform(const Many* d, size_t apart, Many* to, size_t step) {
        const Many a = d[0], b = d[apart], c = d[2 * apart], e = d[3 * apart];
        to[0] = a - c, to[step] = b + c, to[2 * step] = c - b, to[3 * step] = b - e;
    }
    static constexpr size_t FROM = 4, TO = 4;
};

struct OfSums {
    template <class Many> static void transform(const Many* m, size_t apart, Many* to, size_t step) {
        const Many a = m[0], b = m[apart], c = m[2 * apart], e = m[3 * apart];
        to[0] = a + b + c, to[step] = b - c - e;
    }
    static constexpr size_t FROM = 4, TO = 2;
};

// Both dimensions: FROM x FROM vectors to TO x TO.
template <class Of, class Many> [[gnu::flatten]] inline void transform(const Many* x, Many* to) {
    Many half[Of::TO * Of::FROM];
    unrolled<Of::FROM>([&](size_t j) { Of::transform(x + j, Of::FROM, half + j, Of::FROM); });
    unrolled<Of::TO>([&](size_t i) { Of::transform(half + i * Of::FROM, 1, to + i * Of::TO, 1); });
}

// For `lanes` outputs place by place, pair by pair: the pair of an output, of the next one, and so on. As in int8_conv.cpp
// W x W pairs are transposed at a time, as if they were floats.
void lay_out_some(const Plan& plan, size_t out, size_t lanes, int16_t* to) {
    const size_t channels = plan.job.channels, pairs = plan.depth / 2;
    for (size_t lane = 0; lane < lanes; lane += W)
        for (size_t pair = 0; pair < pairs; pair += W) {
            Vector rows[PLACES][W] = {};
            for (size_t i = 0; i < W && out + lane + i < plan.job.outs; i++) {
                const int8_t* from = plan.job.weight + (out + lane + i) * 9 * channels + 2 * pair;
                Shorts window[9], places[PLACES];
                for (size_t j = 0; j < 9; j++) window[j] = load_pairs(from + j * channels, channels - 2 * pair);
                transform<OfWeights>(window, places);
                for (size_t place = 0; place < PLACES; place++) rows[place][i] = reinterpret_cast<Vector>(places[place]);
            }
            for (size_t place = 0; place < PLACES; place++) {
                transpose(rows[place]);
                for (size_t i = 0; i < W && pair + i < pairs; i++)
                    __builtin_memcpy(to + ((place * pairs + pair + i) * lanes + lane) * 2, &rows[place][i], sizeof(Vector));
            }
        }
}

size_t lanes_from(const Plan& plan, size_t out) { return plan.job.outs - out <= W ? W : 2 * W; }

void lay_out(const Plan& plan) {
    const size_t outs = plan.job.outs, of_output = PLACES * plan.depth;
    in_blocks(divided_up(outs, 2 * W), 65536 / (2 * W * of_output) + 1, [&](size_t begin, size_t end) {
        for (size_t out = begin * 2 * W; out < smaller(end * 2 * W, outs); out += 2 * W)
            lay_out_some(plan, out, lanes_from(plan, out), plan.weight + out * of_output);
    });
}

// TILES tiles from `first` on, the last repeated where there are fewer.
struct Group {
    Group(const Plan& plan, size_t first) : count(smaller(plan.tiles() - first, TILES)) {
        const Int8Conv& job = plan.job;
        for (size_t i = 0; i < TILES; i++) {
            const size_t tile = first + smaller(i, count - 1), image = tile / (plan.down * plan.across);
            const size_t row = tile / plan.across % plan.down * 2, column = tile % plan.across * 2;
            at[i] = plan.images + ((image * plan.height + row) * plan.width + column) * job.channels;
            out[i] = job.out + ((image * job.out_height + row) * job.out_width + column) * job.outs;
            rows[i] = smaller(job.out_height - row, 2), columns[i] = smaller(job.out_width - column, 2);
        }
    }
    size_t count;
    const int16_t* at[TILES];
    int8_t* out[TILES];
    size_t rows[TILES], columns[TILES];  // of the 2 x 2 outputs, those that there are
};

// The group's inputs: for each place the tiles, for each tile the channels, `wide` numbers.
[[gnu::flatten]] void transform_images(const Plan& plan, const Group& group, size_t wide, int16_t* to) {
    const size_t channels = plan.job.channels, line = plan.width * channels;
    for (size_t i = 0; i < TILES; i++)
        for (size_t channel = 0; channel < channels; channel += 2 * W) {
            Shorts codes[PLACES], places[PLACES];
            unrolled<PLACES>([&](size_t place) {
                codes[place] = load_many<Shorts>(group.at[i] + place / 4 * line + place % 4 * channels + channel);
            });
            transform<OfImages>(codes, places);
            unrolled<PLACES>([&](size_t place) {
                __builtin_memcpy(to + (place * TILES + i) * wide + channel, &places[place], sizeof(Shorts));
            });
        }
}

// The sums over the channels at one place, of VECTORS x W outputs for each tile.
template <size_t VECTORS>
[[gnu::flatten]] inline void multiply(const int16_t* inputs, size_t wide, const int16_t* weight, size_t depth,
                                      Ints (&out)[TILES][VECTORS]) {
    Ints sums[TILES][VECTORS] = {};
    for (size_t k = 0; k < depth; k += 2, weight += VECTORS * 2 * W) {
        Shorts weights[VECTORS];
        unrolled<VECTORS>([&](size_t v) { weights[v] = load_many<Shorts>(weight + v * 2 * W); });
        unrolled<TILES>([&](size_t i) {
            const Shorts pair = reinterpret_cast<Shorts>(Ints{} + load_many<int32_t>(inputs + i * wide + k));
            unrolled<VECTORS>([&](size_t v) { sums[i][v] = with_pairs(sums[i][v], pair, weights[v]); });
        });
    }
    unrolled<TILES>([&](size_t i) { unrolled<VECTORS>([&](size_t v) { out[i][v] = sums[i][v]; }); });
}

// VECTORS of W outputs from `channel` on, for all tiles of a group.
template <size_t VECTORS>
[[gnu::flatten]] void compute(const Plan& plan, const Group& group, const int16_t* inputs, size_t wide, size_t channel) {
    const Int8Conv& job = plan.job;
    Ints sums[PLACES][TILES][VECTORS];
    for (size_t place = 0; place < PLACES; place++)
        multiply<VECTORS>(inputs + place * TILES * wide, wide,
                          plan.weight + (channel * PLACES + place * VECTORS * W) * plan.depth, plan.depth, sums[place]);
    const Limits limits(job.zero_point, job.low, job.high);
    for (size_t v = 0; v < VECTORS; v++) {
        const size_t first = channel + v * W;
        const Scaling scaling(job, first);
        const Ints bias = bias_of(job, first);
        for (size_t i = 0; i < group.count; i++) {
            Ints places[PLACES], outputs[4];
            unrolled<PLACES>([&](size_t place) { places[place] = sums[place][i][v]; });
            transform<OfSums>(places, outputs);
            for (size_t j = 0; j < 4; j++) {
                if (j / 2 >= group.rows[i] || j % 2 >= group.columns[i]) continue;
                const Ints out = scaling.of<false>((outputs[j] >> 2) + bias);
                limits.put(out, group.out[i] + (j / 2 * job.out_width + j % 2) * job.outs + first, scaling.count);
            }
        }
    }
}

}  // namespace

bool takes_winograd(const Int8Conv& job) {
    const Window& window = job.window;
    const auto each = [](const size_t (&sizes)[2], size_t size) { return sizes[0] == size && sizes[1] == size; };
    return each(window.kernel, 3) && each(window.stride, 1) && each(window.dilation, 1) && !job.depthwise &&
           job.channels >= FEWEST_CHANNELS && job.channels <= MOST_CHANNELS && job.outs >= W &&
           job.out_height * job.out_width >= FEWEST_PIXELS;
}

size_t winograd_workspace(const Int8Conv& job) {
    const Plan plan(job);
    return (framed_size(job, plan.height, plan.width) + PLACES * plan.depth * up_to_multiple(job.outs, W)) / 2 + W;
}

void conv_by_winograd(const Int8Conv& job) {
    const Plan plan(job);
    frame_images(job, plan.height, plan.width, plan.images);
    lay_out(plan);
    const size_t wide = up_to_multiple(job.channels, 2 * W), groups = divided_up(plan.tiles(), TILES);
    in_blocks(groups, WORK / (TILES * PLACES * plan.depth * job.outs) + 1, [&](size_t begin, size_t end) {
        int16_t inputs[PLACES * TILES * MOST_CHANNELS];
        for (size_t i = begin; i < end; i++) {
            const Group group(plan, i * TILES);
            transform_images(plan, group, wide, inputs);
            for (size_t channel = 0; channel < job.outs; channel += 2 * W) {
                const auto kernel = lanes_from(plan, channel) == W ? compute<1> : compute<2>;
                kernel(plan, group, inputs, wide, channel);
            }
        }
    });
}

}  // namespace ISA

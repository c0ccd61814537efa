// Convolution of int8 codes: every output an int32 sum over the places of a window and the channels there, made a code.
//
//   sum[y, x, o] = bias[o] + sum over (i, j, c) of in[y s - p + i d, x s - p + j d, c] * weight[o, i, j, c]
//   out = clamp(sum * mantissa[o] * 2^(shift[o] - 31) + zero point)
//
// The way of conv.cpp, direct and with a tile of PIXELS x 2 W sums in registers; but what goes by is pairs of codes,
// int16 each (see codes.h). Images are copied into a frame of the zero point's code as int16, where a row of a window is
// one run of numbers; weights are laid out in the order of reading, for 2 W outputs (or the W last) run by run and pair by
// pair. A run's last number may have a neighbour that is none of its own: its weight is 0. Sums of whole numbers are the
// same in any order.
//
// Depthwise, each channel for itself, the pairs are of two places in the window.
//
// Windows of 3 x 3 with many channels are another matter: see int8_winograd.cpp.
//
// Rounding is gemmlowp's for convolutions, twice (`multiply_double_rounding` of tinytorch-quant), for a linear layer,
// which is a convolution of one pixel, TFLite's, once.

#include "int8_conv.h"

#include "transpose.h"

namespace ISA {
namespace {

constexpr size_t PIXELS = W == 16 ? 12 : 6;
constexpr size_t TOGETHER = 4;    // tiles that go by while the weights of 2 W channels stay in the cache
constexpr size_t WORK = 1000000;   // multiplications that are worth handing to another thread

// The images in their frame, the runs of a window, and the weights in the order of reading; all distances in numbers.
struct Plan {
    explicit Plan(const Int8Conv& job)
        : job(job),
          joined(job.window.dilation[1] == 1),
          across(joined ? 1 : job.window.kernel[1]),
          run((joined ? job.window.kernel[1] : 1) * job.channels),
          width(job.window.before[1] + job.width + job.window.after[1]),
          height(job.window.before[0] + job.height + job.window.after[0]),
          images(reinterpret_cast<int16_t*>(job.workspace)),
          weight(images + framed_size(job, height, width)) {}
    size_t places() const { return job.window.kernel[0] * job.window.kernel[1]; }
    size_t depth() const { return job.window.kernel[0] * across * up_to_multiple(run, 2); }  // of an output's weights
    size_t pixels() const { return job.out_height * job.out_width; }
    size_t tiles() const { return divided_up(pixels(), PIXELS); }  // of an image
    size_t place(size_t row, size_t column) const {
        return (row * job.window.dilation[0] * width + column * job.window.dilation[1]) * job.channels;
    }

    const Int8Conv& job;
    bool joined;
    size_t across, run;  // runs side by side, and their numbers
    size_t width, height;
    int16_t *images, *weight;
};

size_t tap_pairs(const Plan& plan) { return (plan.places() + 1) / 2; }

size_t workspace(const Int8Conv& job) {
    if (takes_winograd(job)) return winograd_workspace(job);
    const Plan plan(job);
    const size_t of_weight = job.depthwise ? 2 * tap_pairs(plan) * up_to_multiple(job.channels, 2 * W)
                                           : plan.depth() * up_to_multiple(job.outs, W);
    return (static_cast<size_t>(plan.weight - plan.images) + of_weight) / 2 + W;
}

// For `lanes` outputs all runs, pair by pair: the pair of an output, of the next one, and so on. What is one row for an
// output is a column there, so W x W pairs are transposed at a time, as if they were floats.
void lay_out_some(const Plan& plan, size_t out, size_t lanes, int16_t* to) {
    const Int8Conv& job = plan.job;
    const size_t runs = job.window.kernel[0] * plan.across, pairs = (plan.run + 1) / 2;
    for (size_t lane = 0; lane < lanes; lane += W)
        for (size_t number = 0; number < runs; number++)
            for (size_t pair = 0; pair < pairs; pair += W) {
                Vector rows[W] = {};
                const int8_t* from = job.weight + ((out + lane) * runs + number) * plan.run + 2 * pair;
                for (size_t i = 0; i < W && out + lane + i < job.outs; i++, from += runs * plan.run)
                    rows[i] = reinterpret_cast<Vector>(load_pairs(from, plan.run - 2 * pair));
                transpose(rows);
                for (size_t i = 0; i < W && pair + i < pairs; i++)
                    __builtin_memcpy(to + ((number * pairs + pair + i) * lanes + lane) * 2, &rows[i], sizeof rows[i]);
            }
}

void lay_out(const Plan& plan) {
    const size_t outs = plan.job.outs, depth = plan.depth();
    in_blocks(divided_up(outs, 2 * W), 65536 / (2 * W * depth) + 1, [&](size_t begin, size_t end) {
        for (size_t out = begin * 2 * W; out < smaller(end * 2 * W, outs); out += 2 * W)
            lay_out_some(plan, out, outs - out <= W ? W : 2 * W, plan.weight + out * depth);
    });
}

// Depthwise, two places of the window are a pair: the codes of 2 W channels at one and at the other alternate, within 16
// bytes each, as processors do it; `lower` has the first 4 channels of every 8, `upper` the other ones.
constexpr size_t LANE = 8;  // int16 in 16 bytes

inline size_t channel_at(size_t i, bool upper) { return i / LANE * LANE + i % LANE / 2 + (upper ? LANE / 2 : 0); }

template <size_t... I>
inline Shorts alternating(Shorts a, Shorts b, bool upper, std::index_sequence<I...>) {
    if (upper) return __builtin_shufflevector(a, b, (I / LANE * LANE + I % LANE / 2 + LANE / 2 + I % 2 * 2 * W)...);
    return __builtin_shufflevector(a, b, (I / LANE * LANE + I % LANE / 2 + I % 2 * 2 * W)...);
}

// The sums of channels side by side: the first W of them, or the other W.
template <size_t... I>
inline Ints in_order(Ints lower, Ints upper, bool second, std::index_sequence<I...>) {
    constexpr size_t H = LANE / 2;
    if (second) return __builtin_shufflevector(lower, upper, ((W + I) / LANE * H + I % H + (W + I) / H % 2 * W)...);
    return __builtin_shufflevector(lower, upper, (I / LANE * H + I % H + I / H % 2 * W)...);
}

// For 2 W channels, two places at a time: the weights of both alternate as the codes do.
void lay_out_depthwise(const Plan& plan) {
    const size_t channels = plan.job.channels, places = plan.places();
    int16_t* to = plan.weight;
    for (size_t first = 0; first < channels; first += 2 * W)
        for (size_t place = 0; place < places; place += 2)
            for (const bool upper : {false, true})
                for (size_t i = 0; i < 2 * W; i++) {
                    const size_t channel = first + channel_at(i, upper), which = place + i % 2;
                    *to++ = channel < channels && which < places ? plan.job.weight[channel * places + which] : 0;
                }
}

// The windows and outputs of PIXELS pixels; the last is repeated where there are fewer.
struct Tile {
    void set(const Plan& plan, size_t image, size_t first) {
        const Int8Conv& job = plan.job;
        const size_t line = plan.width * job.channels, across = job.window.stride[1] * job.channels;
        const size_t down = job.window.stride[0] * line;
        count = smaller(plan.pixels() - first, PIXELS);
        size_t row = first / job.out_width, column = first % job.out_width;
        const int16_t* from = plan.images + image * plan.height * line + row * down + column * across;
        int8_t* to = job.out + (image * plan.pixels() + first) * job.outs;
        for (size_t i = 0; i < PIXELS; i++) {
            at[i] = from, out[i] = to;
            if (i + 1 >= count) continue;
            from += across, to += job.outs;
            if (++column == job.out_width) from += down - job.out_width * across, column = 0;
        }
    }
    const int16_t* at[PIXELS];
    int8_t* out[PIXELS];
    size_t count;
};

// VECTORS of W outputs from `channel` on, for COUNT pixels.
template <size_t COUNT, size_t VECTORS, bool ONCE>
[[gnu::flatten]] void compute(const Plan& plan, const Tile& tile, size_t channel) {
    const size_t run = plan.run, rows = plan.job.window.kernel[0], across = plan.across;
    const int16_t* weight = plan.weight + channel * plan.depth();
    const int16_t* at[COUNT];
    for (size_t i = 0; i < COUNT; i++) at[i] = tile.at[i];
    Ints sums[COUNT][VECTORS];
    unrolled<VECTORS>([&](size_t v) {
        const Ints bias = bias_of(plan.job, channel + v * W);
        unrolled<COUNT>([&](size_t i) { sums[i][v] = bias; });
    });
    for (size_t row = 0; row < rows; row++)
        for (size_t column = 0; column < across; column++) {
            const size_t begin = plan.place(row, column);
            for (size_t k = begin; k < begin + run; k += 2, weight += VECTORS * 2 * W) {
                Shorts weights[VECTORS];
                unrolled<VECTORS>([&](size_t v) { weights[v] = load_many<Shorts>(weight + v * 2 * W); });
                unrolled<COUNT>([&](size_t i) {
                    const Shorts pair = reinterpret_cast<Shorts>(Ints{} + load_many<int32_t>(at[i] + k));
                    unrolled<VECTORS>([&](size_t v) { sums[i][v] = with_pairs(sums[i][v], pair, weights[v]); });
                });
            }
        }
    const Limits limits(plan.job.zero_point, plan.job.low, plan.job.high);
    const Scaling first(plan.job, channel), last(plan.job, channel + (VECTORS - 1) * W);
    unrolled<COUNT>([&](size_t i) {
        if (i >= tile.count) return;
        int8_t* out = tile.out[i] + channel;
        const Ints lower = first.of<ONCE>(sums[i][0]), upper = last.of<ONCE>(sums[i][VECTORS - 1]);
        if (VECTORS == 2 && last.count == W) return limits.put_two(lower, upper, out);
        limits.put(lower, out, first.count);
        if (VECTORS == 2) limits.put(upper, out + W, last.count);
    });
}

// Where the window's places are, in numbers; the last one twice where their number is odd, for its pair's weight is 0.
struct Places {
    explicit Places(const Plan& plan) {
        const Window& window = plan.job.window;
        for (size_t row = 0; row < window.kernel[0]; row++)
            for (size_t column = 0; column < window.kernel[1]; column++)
                at[count++] = plan.place(row, column);
        at[count] = at[count - 1];
    }
    size_t at[MOST_PLACES + 1], count = 0;
};

[[gnu::flatten]] void compute_depthwise(const Plan& plan, const Tile& tile, size_t channel) {
    constexpr auto SHORTS = std::make_index_sequence<2 * W>();
    constexpr auto INTS = std::make_index_sequence<W>();
    const Places places(plan);
    const int16_t* weight = plan.weight + channel * 2 * tap_pairs(plan);
    Ints lower[PIXELS], upper[PIXELS];
    unrolled<PIXELS>([&](size_t i) { lower[i] = upper[i] = Ints{}; });
    const Limits limits(plan.job.zero_point, plan.job.low, plan.job.high);
    for (size_t place = 0; place < places.count; place += 2, weight += 4 * W) {
        const size_t one = places.at[place] + channel, other = places.at[place + 1] + channel;
        const Shorts of_lower = load_many<Shorts>(weight), of_upper = load_many<Shorts>(weight + 2 * W);
        unrolled<PIXELS>([&](size_t i) {
            const Shorts a = load_many<Shorts>(tile.at[i] + one), b = load_many<Shorts>(tile.at[i] + other);
            lower[i] = with_pairs(lower[i], alternating(a, b, false, SHORTS), of_lower);
            upper[i] = with_pairs(upper[i], alternating(a, b, true, SHORTS), of_upper);
        });
    }
    const auto put = [&](size_t from, bool second) {
        const Scaling scaling(plan.job, from);
        const Ints bias = bias_of(plan.job, from);
        unrolled<PIXELS>([&](size_t i) {
            if (i >= tile.count) return;
            const Ints sums = in_order(lower[i], upper[i], second, INTS) + bias;
            limits.put(scaling.of<false>(sums), tile.out[i] + from, scaling.count);
        });
    };
    put(channel, false);
    if (channel + W < plan.job.outs) put(channel + W, true);
}

using Kernel = void (*)(const Plan&, const Tile&, size_t);

template <size_t COUNT, bool ONCE> Kernel kernel_for(const Plan& plan, size_t channel) {
    return channel + W >= plan.job.outs ? compute<COUNT, 1, ONCE> : compute<COUNT, 2, ONCE>;
}

Kernel kernel_for(const Plan& plan, size_t channel) {
    if (plan.job.depthwise) return compute_depthwise;
    if (!plan.job.rounds_once) return kernel_for<PIXELS, false>(plan, channel);
    return plan.pixels() == 1 ? kernel_for<1, true>(plan, channel) : kernel_for<PIXELS, true>(plan, channel);
}

void compute_tiles(const Plan& plan, size_t begin, size_t end) {
    Tile tiles[TOGETHER];
    for (size_t i = begin; i < end; i++)
        tiles[i - begin].set(plan, i / plan.tiles(), i % plan.tiles() * PIXELS);
    for (size_t channel = 0; channel < plan.job.outs; channel += 2 * W) {
        const Kernel kernel = kernel_for(plan, channel);
        for (size_t i = 0; i < end - begin; i++) kernel(plan, tiles[i], channel);
    }
}

void conv(const Int8Conv& job) {
    if (takes_winograd(job)) return conv_by_winograd(job);
    const Plan plan(job);
    frame_images(job, plan.height, plan.width, plan.images);
    job.depthwise ? lay_out_depthwise(plan) : lay_out(plan);
    const size_t in_tile = PIXELS * job.outs * ((job.depthwise ? 2 * plan.places() : plan.depth()) + 16);
    in_blocks(job.batch * plan.tiles(), WORK / in_tile + 1, [&](size_t begin, size_t end) {
        for (; begin < end; begin += TOGETHER) compute_tiles(plan, begin, smaller(end, begin + TOGETHER));
    });
}

}  // namespace

void add_int8_conv(Kernels& table) {
    table.int8_conv = conv;
    table.int8_conv_workspace = workspace;
}

}  // namespace ISA

// Convolution of int8 codes: every output an int32 sum over the places of a window and the channels there, made a code.
//
//   sum[y, x, o] = bias[o] + sum over (i, j, c) of in[y s - p + i d, x s - p + j d, c] * weight[o, i, j, c]
//   out = clamp(sum * mantissa[o] * 2^(shift[o] - 31) + zero point)
//
// The way of conv.cpp, direct and with a tile of PIXELS x 2 W sums in registers; but what goes by is pairs of channels,
// int16 each (see codes.h). Images are copied into a frame of the zero point's code as int16, channels up to an even
// number; weights are laid out in the order of reading, for 2 W outputs (or the W last) all places, pair by pair. Sums
// of whole numbers are the same in any order.
//
// Depthwise, each channel for itself, the pairs are of two places in the window.
//
// Rounding is gemmlowp's for convolutions, twice (`multiply_double_rounding` of tinytorch-quant), for a linear layer,
// which is a convolution of one pixel, TFLite's, once.

#include "codes.h"
#include "kernels.h"
#include "pool.h"
#include "transpose.h"

namespace ISA {
namespace {

constexpr size_t PIXELS = W == 16 ? 12 : 6;
constexpr size_t TOGETHER = 4;    // tiles that go by while the weights of 2 W channels stay in the cache
constexpr size_t WORK = 1000000;   // multiplications that are worth handing to another thread

// The images in their frame, the windows in them, and the weights in the order of reading; all distances in numbers.
struct Plan {
    explicit Plan(const Int8Conv& job)
        : job(job),
          wide(job.depthwise ? job.channels : up_to_multiple(job.channels, 2)),
          width(job.window.before[1] + job.width + job.window.after[1]),
          height(job.window.before[0] + job.height + job.window.after[0]),
          images(reinterpret_cast<int16_t*>(job.workspace)),
          weight(images + up_to_multiple(job.batch * height * width * wide, 2) + 2 * W) {}
    size_t places() const { return job.window.kernel[0] * job.window.kernel[1]; }
    size_t pixels() const { return job.out_height * job.out_width; }
    size_t tiles() const { return (pixels() + PIXELS - 1) / PIXELS; }  // of an image

    const Int8Conv& job;
    size_t wide, width, height;
    int16_t *images, *weight;
};

size_t tap_pairs(const Plan& plan) { return (plan.places() + 1) / 2; }

size_t workspace(const Int8Conv& job) {
    const Plan plan(job);
    const size_t of_weight = job.depthwise ? 2 * tap_pairs(plan) * up_to_multiple(job.channels, 2 * W)
                                           : plan.places() * plan.wide * up_to_multiple(job.outs, W);
    return (static_cast<size_t>(plan.weight - plan.images) + of_weight) / 2 + W;
}

// A row of pixels as int16, each `wide` numbers; what is beyond its channels meets a weight of 0.
void widen(const Int8Conv& job, const int8_t* from, size_t wide, int16_t* to) {
    if (job.channel_step == 1 && job.pixel_step == wide) {
        for (size_t i = 0; i < job.width * wide; i++) to[i] = from[i];
        return;
    }
    for (size_t pixel = 0; pixel < job.width; pixel++, from += job.pixel_step, to += wide) {
        for (size_t channel = 0; channel < job.channels; channel++) to[channel] = from[channel * job.channel_step];
        if (wide > job.channels) to[job.channels] = 0;
    }
}

void fill(int16_t* to, size_t count, int16_t code) {
    for (size_t i = 0; i < count; i++) to[i] = code;
}

void frame_images(const Plan& plan) {
    const Int8Conv& job = plan.job;
    const size_t row = plan.width * plan.wide, left = job.window.before[1] * plan.wide, middle = job.width * plan.wide;
    const int16_t code = static_cast<int16_t>(job.fill);
    in_blocks(job.batch * plan.height, 65536 / row + 1, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; i++) {
            const size_t image = i / plan.height, y = i % plan.height - job.window.before[0];  // wraps above the image
            int16_t* out = plan.images + i * row;
            if (y >= job.height) {
                fill(out, row, code);
                continue;
            }
            fill(out, left, code);
            widen(job, job.x + image * job.image_step + y * job.row_step, plan.wide, out + left);
            fill(out + left + middle, row - left - middle, code);
        }
    });
    fill(plan.images + job.batch * plan.height * row, 2 * W, 0);  // the last load of a depthwise tile goes beyond
}

// For `lanes` outputs, all places, pair by pair: the pair of an output, of the next one, and so on. What is one row for
// an output is a column there, so W x W pairs are transposed at a time, as if they were floats.
void lay_out_pairs(const Plan& plan, size_t out, size_t lanes, int16_t* to) {
    const size_t depth = plan.places() * plan.wide, outs = plan.job.outs;
    for (size_t lane = 0; lane < lanes; lane += W)
        for (size_t k = 0; k < depth; k += 2 * W) {
            Vector rows[W] = {};
            for (size_t i = 0; i < W && out + lane + i < outs; i++)
                rows[i] = reinterpret_cast<Vector>(load_pairs(plan.job.weight + (out + lane + i) * depth + k, depth - k));
            transpose(rows);
            for (size_t i = 0; i < W && k + 2 * i < depth; i++)
                __builtin_memcpy(to + ((k / 2 + i) * lanes + lane) * 2, &rows[i], sizeof rows[i]);
        }
}

// The same where the last channel has no other one.
void lay_out_odd(const Plan& plan, size_t out, size_t lanes, int16_t* to) {
    const size_t ins = plan.job.channels, places = plan.places();
    for (size_t lane = 0; lane < lanes; lane++) {
        const int8_t* from = plan.job.weight + (out + lane) * places * ins;
        int16_t* column = to + 2 * lane;
        const bool there = out + lane < plan.job.outs;
        for (size_t place = 0; place < places; place++)
            for (size_t in = 0; in < plan.wide; in += 2, column += 2 * lanes) {
                column[0] = there ? from[place * ins + in] : 0;
                column[1] = there && in + 1 < ins ? from[place * ins + in + 1] : 0;
            }
    }
}

void lay_out(const Plan& plan) {
    const size_t outs = plan.job.outs, depth = plan.places() * plan.wide;
    const auto lay_out_some = plan.wide == plan.job.channels ? lay_out_pairs : lay_out_odd;
    in_blocks((outs + 2 * W - 1) / (2 * W), 65536 / (2 * W * depth) + 1, [&](size_t begin, size_t end) {
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
        const size_t line = plan.width * plan.wide, across = job.window.stride[1] * plan.wide;
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

// What makes W sums codes.
struct Scaling {
    Scaling(const Int8Conv& job, size_t channel)
        : rounds_once(job.rounds_once),
          count(smaller(job.outs - channel, W)),
          bias(load_many<Ints>(job.bias + channel, count)),
          mantissa(load_many<Ints>(job.mantissa + channel, count)),
          halving(-load_codes(job.shift + channel, count)),
          limits(job.zero_point, job.low, job.high) {}
    Ints once(Ints sums) const {
        for (size_t i = 0; i < W; i++) {
            const int down = 31 + halving.shift[i];
            sums[i] = static_cast<int32_t>((int64_t{sums[i]} * mantissa[i] + (int64_t{1} << (down - 1))) >> down);
        }
        return sums;
    }
    void put(Ints sums, int8_t* out) const {
        sums += bias;
        const Ints scaled = rounds_once ? once(sums) : halving.of(high_multiplied(sums, mantissa));
        store(out, limits.codes(scaled), count);
    }
    bool rounds_once;
    size_t count;
    Ints bias, mantissa;
    Halving halving;
    Limits limits;
};

// `run` pairs side by side at each of `places`; VECTORS of W outputs from `channel` on.
template <size_t COUNT, size_t VECTORS>
[[gnu::flatten]] void compute(const Plan& plan, const Tile& tile, size_t channel) {
    const Window& window = plan.job.window;
    const bool joined = window.dilation[1] == 1;
    const size_t across = joined ? 1 : window.kernel[1], run = (joined ? window.kernel[1] : 1) * plan.wide / 2;
    const int16_t* weight = plan.weight + channel * plan.places() * plan.wide;
    const int16_t* at[COUNT];
    for (size_t i = 0; i < COUNT; i++) at[i] = tile.at[i];
    Ints sums[COUNT][VECTORS] = {};
    for (size_t row = 0; row < window.kernel[0]; row++)
        for (size_t column = 0; column < across; column++) {
            const size_t begin = (row * window.dilation[0] * plan.width + column * window.dilation[1]) * plan.wide;
            for (size_t k = begin; k < begin + 2 * run; k += 2, weight += VECTORS * 2 * W) {
                Shorts weights[VECTORS];
                unrolled<VECTORS>([&](size_t v) { weights[v] = load_many<Shorts>(weight + v * 2 * W); });
                unrolled<COUNT>([&](size_t i) {
                    const Shorts pair = reinterpret_cast<Shorts>(Ints{} + load_many<int32_t>(at[i] + k));
                    unrolled<VECTORS>([&](size_t v) { sums[i][v] += pairs_multiplied(pair, weights[v]); });
                });
            }
        }
    unrolled<VECTORS>([&](size_t v) {
        const Scaling scaling(plan.job, channel + v * W);
        unrolled<COUNT>([&](size_t i) {
            if (i < tile.count) scaling.put(sums[i][v], tile.out[i] + channel + v * W);
        });
    });
}

// Where the window's places are, in numbers; the last one twice where their number is odd, for its pair's weight is 0.
struct Places {
    explicit Places(const Plan& plan) {
        const Window& window = plan.job.window;
        for (size_t row = 0; row < window.kernel[0]; row++)
            for (size_t column = 0; column < window.kernel[1]; column++)
                at[count++] = (row * window.dilation[0] * plan.width + column * window.dilation[1]) * plan.wide;
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
    for (size_t place = 0; place < places.count; place += 2, weight += 4 * W) {
        const size_t one = places.at[place] + channel, other = places.at[place + 1] + channel;
        const Shorts of_lower = load_many<Shorts>(weight), of_upper = load_many<Shorts>(weight + 2 * W);
        unrolled<PIXELS>([&](size_t i) {
            const Shorts a = load_many<Shorts>(tile.at[i] + one), b = load_many<Shorts>(tile.at[i] + other);
            lower[i] += pairs_multiplied(alternating(a, b, false, SHORTS), of_lower);
            upper[i] += pairs_multiplied(alternating(a, b, true, SHORTS), of_upper);
        });
    }
    const auto put = [&](size_t from, bool second) {
        const Scaling scaling(plan.job, from);
        unrolled<PIXELS>([&](size_t i) {
            if (i < tile.count) scaling.put(in_order(lower[i], upper[i], second, INTS), tile.out[i] + from);
        });
    };
    put(channel, false);
    if (channel + W < plan.job.outs) put(channel + W, true);
}

using Kernel = void (*)(const Plan&, const Tile&, size_t);

Kernel kernel_for(const Plan& plan, size_t channel) {
    if (plan.job.depthwise) return compute_depthwise;
    const bool one = plan.pixels() == 1;  // as in a linear layer that is asked about one row
    if (channel + W >= plan.job.outs) return one ? compute<1, 1> : compute<PIXELS, 1>;
    return one ? compute<1, 2> : compute<PIXELS, 2>;
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
    const Plan plan(job);
    frame_images(plan);
    job.depthwise ? lay_out_depthwise(plan) : lay_out(plan);
    const size_t in_tile = PIXELS * job.outs * (plan.places() * (job.depthwise ? 2 : plan.wide) + 16);
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

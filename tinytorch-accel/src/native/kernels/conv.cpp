// Convolution: every output pixel a sum over the places of a window and the channels there.
//
//   out[y, x, o] = bias[o] + sum over (i, j, c) of in[y s - p + i d, x s - p + j d, c] * weight[o, c, i, j]
//
// Direct: no window is copied. Images are channels-last within a frame of zeros, so a row of a window is one run of
// memory, and a tile of PIXELS x 2 W sums stays in registers while the run goes by (Georganas et al. 2018, "Anatomy of
// high-performance deep learning convolutions"): each step loads two vectors of weights, which serve all pixels of the
// tile, and one number a pixel, which serves all channels. The weights are laid out beforehand in the order of reading.
// A tile's pixels are pointers, so tiles go on over the end of a row, and stride and dilation are only distances.
//
// Depthwise, each channel for itself: the same tile, W channels wide, a product of vectors at each place.
//
// The gradient of the input is such a convolution of the gradient. At stride s the pixels y with (y + p) % s = r get
// something from the window's places r, r + s, r + 2 s, ... only: s x s parts, each a convolution of stride 1 with a
// part of the weight turned around. No zeros are put between the numbers of the gradient, and nothing is added twice.
//
// The gradient of the weight is in a file of its own, conv_weight_grad.cpp.

#include "images.h"
#include "kernels.h"
#include "pool.h"
#include "simd.h"
#include "transpose.h"

namespace ISA {
namespace {

constexpr size_t PIXELS = W == 16 ? 12 : 6;  // with two vectors each and three more: the registers there are
constexpr size_t TOGETHER = 4;               // tiles that go by while the weights of 2 W channels stay in the cache
constexpr size_t WORK = 2000000;             // multiplications that are worth handing to another thread

// A grid of pixels in each image and the windows under them; all distances in numbers.
struct Part {
    const float* images;
    size_t batch, image, origin, step_down, step_across;  // between images, to the first window, between windows
    size_t down, across;                                  // pixels
    size_t taps_down, tap_down, taps_across, tap_across;  // places in the window, and between them
    size_t run;                                           // numbers to sum at each place; 0: depthwise
    const float *weight, *bias;
    float* out;
    size_t channels, out_image, out_origin, out_down, out_across;

    size_t pixels() const { return down * across; }
    size_t tiles() const { return (pixels() + PIXELS - 1) / PIXELS; }  // of an image
    size_t depth() const { return taps_down * taps_across * (run ? run : 1); }
};

// The windows and outputs of PIXELS pixels; the last is repeated where there are fewer.
struct Tile {
    void set(const Part& part, size_t image, size_t first) {
        size_t row = first / part.across, column = first % part.across;
        const float* from =
            part.images + image * part.image + part.origin + row * part.step_down + column * part.step_across;
        float* to =
            part.out + image * part.out_image + part.out_origin + row * part.out_down + column * part.out_across;
        const size_t left = part.pixels() - first, back = part.across - 1;
        count = left < PIXELS ? left : PIXELS;
        for (size_t i = 0; i < PIXELS; i++) {
            at[i] = from, out[i] = to;
            if (i + 1 >= count) continue;
            const bool ends = ++column == part.across;
            from += ends ? part.step_down - back * part.step_across : part.step_across;
            to += ends ? part.out_down - back * part.out_across : part.out_across;
            if (ends) column = 0;
        }
    }
    const float* at[PIXELS];
    float* out[PIXELS];
    size_t count;
};

template <size_t VECTORS> [[gnu::flatten]] inline void multiply(const Part& part, const Tile& tile, const float* weight,
                                                                Vector (&sums)[PIXELS][VECTORS]) {
    const float* at[PIXELS];
    for (size_t i = 0; i < PIXELS; i++) at[i] = tile.at[i];
    for (size_t row = 0; row < part.taps_down; row++)
        for (size_t column = 0; column < part.taps_across; column++) {
            const size_t begin = row * part.tap_down + column * part.tap_across;
            for (size_t k = begin; k < begin + part.run; k++, weight += VECTORS * W) {
                Vector weights[VECTORS];
                unrolled<VECTORS>([&](size_t v) { weights[v] = load(weight + v * W, W); });
                unrolled<PIXELS>([&](size_t i) {
                    unrolled<VECTORS>([&](size_t v) { sums[i][v] += all(at[i][k]) * weights[v]; });
                });
            }
        }
}

// The sums begin with the bias.
template <size_t VECTORS> inline void begin(const Part& part, size_t channel, Vector (&sums)[PIXELS][VECTORS]) {
    unrolled<VECTORS>([&](size_t v) {
        const size_t from = channel + v * W;
        const size_t count = part.channels - from < W ? part.channels - from : W;
        const Vector bias = part.bias ? load(part.bias + from, count) : Vector{};
        unrolled<PIXELS>([&](size_t i) { sums[i][v] = bias; });
    });
}

// W channels of the sums.
inline void put(const Part& part, const Tile& tile, const Vector (&sums)[PIXELS], size_t channel) {
    const size_t count = part.channels - channel < W ? part.channels - channel : W;
    if (count == W && tile.count == PIXELS) {
        unrolled<PIXELS>([&](size_t i) { store(tile.out[i] + channel, sums[i], W); });
    } else {
        unrolled<PIXELS>([&](size_t i) {
            if (i < tile.count) store(tile.out[i] + channel, sums[i], count);
        });
    }
}

template <size_t VECTORS> [[gnu::flatten]] void compute(const Part& part, const Tile& tile, size_t channel) {
    Vector sums[PIXELS][VECTORS];
    begin(part, channel, sums);
    multiply<VECTORS>(part, tile, part.weight + channel * part.depth(), sums);
    unrolled<VECTORS>([&](size_t v) {
        Vector each[PIXELS];
        unrolled<PIXELS>([&](size_t i) { each[i] = sums[i][v]; });
        put(part, tile, each, channel + v * W);
    });
}

template <bool WHOLE> [[gnu::flatten]] void compute_depthwise(const Part& part, const Tile& tile, size_t channel) {
    const size_t count = WHOLE ? W : part.channels - channel;
    const Vector bias = part.bias ? load(part.bias + channel, count) : Vector{};
    Vector sums[PIXELS];
    unrolled<PIXELS>([&](size_t i) { sums[i] = bias; });
    const float* weight = part.weight + channel;
    for (size_t row = 0; row < part.taps_down; row++)
        for (size_t column = 0; column < part.taps_across; column++, weight += part.channels) {
            const size_t place = row * part.tap_down + column * part.tap_across + channel;
            const Vector weights = load(weight, count);
            unrolled<PIXELS>([&](size_t i) { sums[i] += load(tile.at[i] + place, count) * weights; });
        }
    put(part, tile, sums, channel);
}

// The channels from `channel` on that a tile computes at a time, and by which kernel.
using Kernel = void (*)(const Part&, const Tile&, size_t);

Kernel kernel_for(const Part& part, size_t channel) {
    if (!part.run) return channel + W <= part.channels ? compute_depthwise<true> : compute_depthwise<false>;
    return channel + W >= part.channels ? compute<1> : compute<2>;
}

// The weights of some channels stay in the first-level cache while some tiles go by, which stay in the second.
void compute_tiles(const Part& part, size_t begin, size_t end) {
    Tile tiles[TOGETHER];
    const size_t in_image = part.tiles(), count = end - begin;
    size_t image = begin / in_image, number = begin % in_image;
    for (size_t i = 0; i < count; i++) {
        tiles[i].set(part, image, number * PIXELS);
        if (++number == in_image) image++, number = 0;
    }
    for (size_t channel = 0; channel < part.channels; channel += part.run ? 2 * W : W) {
        const Kernel kernel = kernel_for(part, channel);
        for (size_t i = 0; i < count; i++) kernel(part, tiles[i], channel);
    }
}

// All tiles of a part, in blocks that threads take.
void compute_part(const Part& part) {
    if (part.down == 0 || part.across == 0) return;
    const size_t in_tile = PIXELS * part.channels * (part.depth() + 1);
    in_blocks(part.batch * part.tiles(), WORK / in_tile + 1, [&](size_t begin, size_t end) {
        for (; begin < end; begin += TOGETHER)
            compute_tiles(part, begin, end - begin < TOGETHER ? end : begin + TOGETHER);
    });
}

// The weight of a forward convolution in the order in which tiles read: for 2 W outputs (or the W last) all places, for
// each of them all inputs. What is one row for an output is a column there, so W x W numbers are transposed at a time.
void lay_out_rows(const float* weight, size_t outs, size_t ins, size_t places, float* to) {
    const size_t depth = ins * places;
    for (size_t out = 0, width; out < outs; out += width, to += depth * width) {
        width = out + W >= outs ? W : 2 * W;
        for (size_t lane = 0; lane < width; lane += W) {
            const size_t lanes = outs - out - lane < W ? outs - out - lane : W;
            each_vector(depth, [&](size_t begin, size_t count) {
                Vector rows[W] = {};
                for (size_t i = 0; i < lanes; i++) rows[i] = load(weight + (out + lane + i) * depth + begin, count);
                transpose(rows);
                size_t in = begin / places, place = begin % places;
                for (size_t i = 0; i < count; i++) {
                    store(to + (place * ins + in) * width + lane, rows[i], W);
                    if (++place == places) in++, place = 0;
                }
            });
        }
    }
}

// How a part of the weight is read where it is turned around or depthwise: from which place, in which steps, by which
// output and input channel.
struct Reading {
    const float* weight;
    size_t outs, out_stride, ins, in_stride;  // depthwise: ins is 0
    size_t taps[2], first[2];
    ptrdiff_t step[2];  // between places
    size_t row;         // the weight's width
};

void lay_out(const Reading& from, float* to) {
    const size_t ins = from.ins ? from.ins : 1, depth = from.taps[0] * from.taps[1] * ins;
    for (size_t out = 0, width; out < from.outs; out += width, to += depth * width) {
        width = !from.ins ? from.outs : out + W >= from.outs ? W : 2 * W;
        if (out + width > from.outs) fill_zeros(to, depth * width);
        if (from.out_stride == 1) {  // a window of one pixel: outputs lie side by side
            const size_t there = from.outs - out < width ? from.outs - out : width;
            for (size_t in = 0; in < depth; in++)
                __builtin_memcpy(to + in * width, from.weight + out + in * from.in_stride, there * sizeof *to);
            continue;
        }
        for (size_t in = 0; in < ins; in++)
            for (size_t lane = 0; lane < width && out + lane < from.outs; lane++) {
                float* column = to + in * width + lane;
                const float* place = from.weight + (out + lane) * from.out_stride + in * from.in_stride;
                for (size_t i = 0; i < from.taps[0]; i++)
                    for (size_t j = 0; j < from.taps[1]; j++, column += ins * width)
                        *column =
                            place[(from.first[0] + i * from.step[0]) * from.row + from.first[1] + j * from.step[1]];
            }
    }
}

// Places in a row that lie side by side are one run.
void join_places(Part& part) {
    if (part.run && part.taps_across && part.tap_across == part.run) {
        part.run *= part.taps_across;
        part.taps_across = 1;
    }
}

// A window of one pixel without a stride does not know of rows: all images are one row.
void join_pixels(Part& part) {
    if (part.taps_down * part.taps_across != 1 || part.step_down != part.across * part.step_across ||
        part.image != part.down * part.step_down || part.out_down != part.across * part.out_across ||
        part.out_image != part.down * part.out_down)
        return;
    part.across *= part.down * part.batch;
    part.down = part.batch = 1;
}

void conv(const Conv& job) {
    const Window& window = job.window;
    const size_t channels = job.x.channels, outs = job.out_channels, places = window.kernel[0] * window.kernel[1];
    const size_t ins = channels / job.groups, outs_each = outs / job.groups;
    const Frame frame{window.before[0], window.after[0], window.before[1], window.after[1]};
    const float* images = framed(job.x, frame, channels, job.workspace);
    float* weight = job.workspace + framed_size(job.x, frame, channels);
    const size_t row = (frame.left + job.x.width + frame.right) * channels;
    for (size_t group = 0; group < job.groups; group++) {
        const float* part_weight = job.weight + group * outs_each * ins * places;
        if (job.depthwise)
            lay_out({part_weight,
                     outs,
                     places,
                     0,
                     places,
                     {window.kernel[0], window.kernel[1]},
                     {0, 0},
                     {1, 1},
                     window.kernel[1]},
                    weight);
        else
            lay_out_rows(part_weight, outs_each, ins, places, weight);
        Part part{images + group * ins,
                  job.x.batch,
                  row * (frame.top + job.x.height + frame.bottom),
                  0,
                  row * window.stride[0],
                  channels * window.stride[1],
                  job.height,
                  job.width,
                  window.kernel[0],
                  row * window.dilation[0],
                  window.kernel[1],
                  channels * window.dilation[1],
                  job.depthwise ? 0 : ins,
                  weight,
                  job.bias ? job.bias + group * outs_each : nullptr,
                  job.out + group * outs_each,
                  outs_each,
                  job.height * job.width * outs,
                  0,
                  job.width * outs,
                  outs};
        join_places(part);
        join_pixels(part);
        compute_part(part);
    }
}

// One dimension of the input's gradient: the pixels y with (y + padding) % stride == rest.
struct Phase {
    Phase(const Window& window, int dim, size_t rest, size_t size) {
        const size_t stride = window.stride[dim], before = window.before[dim];
        taps = rest < window.kernel[dim] ? (window.kernel[dim] - rest + stride - 1) / stride : 0;
        first_pixel = (rest + stride - before % stride) % stride;
        pixels = first_pixel < size ? (size - 1 - first_pixel) / stride + 1 : 0;
        const size_t reach = taps ? (taps - 1) * window.dilation[dim] : 0;
        first_window = (first_pixel + before) / stride + input_grad_frame(window, dim) - reach;
        last_place = rest + (taps ? taps - 1 : 0) * stride;
    }
    size_t taps, first_pixel, pixels, first_window, last_place;
};

void conv_input_grad(const Conv& job) {
    const Window& window = job.window;
    const size_t channels = job.x.channels, outs = job.out_channels, places = window.kernel[0] * window.kernel[1];
    const size_t ins = channels / job.groups, outs_each = outs / job.groups;
    const Frame frame{input_grad_frame(window, 0), input_grad_frame(window, 0, job.height, job.x.height),
                      input_grad_frame(window, 1), input_grad_frame(window, 1, job.width, job.x.width)};
    const float* images = framed(job.x, frame, channels, job.workspace);
    float* weight = job.workspace + framed_size(job.x, frame, channels);
    const size_t row = (frame.left + job.x.width + frame.right) * channels;
    const auto compute_phase = [&](size_t group, const Phase& down, const Phase& across) {
        lay_out({job.weight + group * ins * outs_each * places,
                 outs_each,
                 places,
                 job.depthwise ? 0 : ins,
                 outs_each * places,
                 {down.taps, across.taps},
                 {down.last_place, across.last_place},
                 {-static_cast<ptrdiff_t>(window.stride[0]), -static_cast<ptrdiff_t>(window.stride[1])},
                 window.kernel[1]},
                weight);
        Part part{images + group * ins,
                  job.x.batch,
                  row * (frame.top + job.x.height + frame.bottom),
                  down.first_window * row + across.first_window * channels,
                  row,
                  channels,
                  down.pixels,
                  across.pixels,
                  down.taps,
                  row * window.dilation[0],
                  across.taps,
                  channels * window.dilation[1],
                  job.depthwise ? 0 : ins,
                  weight,
                  nullptr,
                  job.out + group * outs_each,
                  outs_each,
                  job.height * job.width * outs,
                  (down.first_pixel * job.width + across.first_pixel) * outs,
                  window.stride[0] * job.width * outs,
                  window.stride[1] * outs};
        join_places(part);
        join_pixels(part);
        compute_part(part);
    };
    for (size_t group = 0; group < job.groups; group++)
        for (size_t r = 0; r < window.stride[0]; r++)
            for (size_t c = 0; c < window.stride[1]; c++)
                compute_phase(group, Phase(window, 0, r, job.height), Phase(window, 1, c, job.width));
}

}  // namespace

void add_conv(Kernels& table) {
    table.conv = conv;
    table.conv_input_grad = conv_input_grad;
}

}  // namespace ISA

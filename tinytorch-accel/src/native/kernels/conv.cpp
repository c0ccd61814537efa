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

namespace ISA {
namespace {

constexpr size_t PIXELS = W == 16 ? 12 : 6;  // with two vectors each and three more: the registers there are
constexpr size_t FIRST_LEVEL = 5000;           // numbers of the weight that stay in the cache beside the images
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

    size_t tiles() const { return (down * across + PIXELS - 1) / PIXELS; }  // of an image
    size_t depth() const { return taps_down * taps_across * (run ? run : 1); }
};

// The windows and outputs of PIXELS pixels; the last is repeated where there are fewer.
struct Tile {
    Tile(const Part& part, size_t number) {
        const size_t image = number / part.tiles(), first = number % part.tiles() * PIXELS;
        size_t row = first / part.across, column = first % part.across;
        count = 0;
        for (size_t i = 0; i < PIXELS; i++) {
            at[i] = part.images + image * part.image + part.origin + row * part.step_down + column * part.step_across;
            out[i] = part.out + image * part.out_image + part.out_origin + row * part.out_down + column * part.out_across;
            count += first + i < part.down * part.across;
            if (first + i + 1 >= part.down * part.across) continue;
            if (++column == part.across) row++, column = 0;
        }
    }
    const float* at[PIXELS];
    float* out[PIXELS];
    size_t count;
};

template <size_t VECTORS>
[[gnu::flatten]] inline void multiply(const Part& part, const Tile& tile, const float* weight,
                                      Vector (&sums)[PIXELS][VECTORS]) {
    const float* at[PIXELS];
    for (size_t i = 0; i < PIXELS; i++) at[i] = tile.at[i];
    for (size_t row = 0; row < part.taps_down; row++)
        for (size_t column = 0; column < part.taps_across; column++) {
            const size_t begin = row * part.tap_down + column * part.tap_across;
            for (size_t k = begin; k < begin + part.run; k++, weight += VECTORS * W) {
                Vector weights[VECTORS];
                for (size_t v = 0; v < VECTORS; v++) weights[v] = load(weight + v * W, W);
                for (size_t i = 0; i < PIXELS; i++)
                    for (size_t v = 0; v < VECTORS; v++) sums[i][v] += all(at[i][k]) * weights[v];
            }
        }
}

// W channels of the sums, with the bias. Written out twice: what indexes registers at run time goes through memory.
template <size_t VECTORS>
inline void put(const Part& part, const Tile& tile, const Vector (&sums)[PIXELS][VECTORS], size_t v, size_t channel) {
    const size_t count = part.channels - channel < W ? part.channels - channel : W;
    const Vector bias = part.bias ? load(part.bias + channel, count) : all(-0.0f);
    if (count == W && tile.count == PIXELS) {
        for (size_t i = 0; i < PIXELS; i++) store(tile.out[i] + channel, sums[i][v] + bias, W);
    } else {
        for (size_t i = 0; i < PIXELS; i++)
            if (i < tile.count) store(tile.out[i] + channel, sums[i][v] + bias, count);
    }
}

template <size_t VECTORS>
[[gnu::flatten]] void compute(const Part& part, const Tile& tile, size_t channel) {
    Vector sums[PIXELS][VECTORS] = {};
    multiply<VECTORS>(part, tile, part.weight + channel * part.depth(), sums);
    for (size_t v = 0; v < VECTORS; v++) put<VECTORS>(part, tile, sums, v, channel + v * W);
}

template <bool WHOLE> [[gnu::flatten]] void compute_depthwise(const Part& part, const Tile& tile, size_t channel) {
    const size_t count = WHOLE ? W : part.channels - channel;
    Vector sums[PIXELS][1] = {};
    const float* weight = part.weight + channel;
    for (size_t row = 0; row < part.taps_down; row++)
        for (size_t column = 0; column < part.taps_across; column++, weight += part.channels) {
            const size_t place = row * part.tap_down + column * part.tap_across + channel;
            const Vector weights = load(weight, count);
            for (size_t i = 0; i < PIXELS; i++) sums[i][0] += load(tile.at[i] + place, count) * weights;
        }
    put<1>(part, tile, sums, 0, channel);
}

// The channels from `channel` on that a tile computes at a time, and by which kernel.
using Kernel = void (*)(const Part&, const Tile&, size_t);

Kernel kernel_for(const Part& part, size_t channel) {
    if (!part.run) return channel + W <= part.channels ? compute_depthwise<true> : compute_depthwise<false>;
    return channel + W >= part.channels ? compute<1> : compute<2>;
}

// All tiles of a part, in blocks that threads take. Where the weights fit into the first-level cache each tile meets all
// of them; else those of some channels stay there while the block's images, in the second, go by.
void compute_part(const Part& part) {
    if (part.down == 0 || part.across == 0) return;
    const size_t in_tile = PIXELS * part.channels * (part.depth() + 1), width = part.run ? 2 * W : W;
    const bool fits = part.channels * part.depth() <= FIRST_LEVEL;
    in_blocks(part.batch * part.tiles(), WORK / in_tile + 1, [&](size_t begin, size_t end) {
        for (size_t i = begin; fits && i < end; i++) {
            const Tile tile(part, i);
            for (size_t channel = 0; channel < part.channels; channel += width)
                kernel_for(part, channel)(part, tile, channel);
        }
        for (size_t channel = 0; !fits && channel < part.channels; channel += width) {
            const Kernel kernel = kernel_for(part, channel);
            for (size_t i = begin; i < end; i++) kernel(part, Tile(part, i), channel);
        }
    });
}

// How a part of the weight is read: from which place, in which steps, by which output and input channel.
struct Reading {
    const float* weight;
    size_t outs, out_stride, ins, in_stride;  // depthwise: ins is 0
    size_t taps[2], first[2];
    ptrdiff_t step[2];  // between places
    size_t row;         // the weight's width
};

// In the order in which tiles read: for 2 W outputs (or the W last) all places, for each of them all inputs.
void lay_out(const Reading& from, float* to) {
    const auto place = [&](size_t i, size_t j) {
        return from.weight + (from.first[0] + i * from.step[0]) * from.row + from.first[1] + j * from.step[1];
    };
    const size_t ins = from.ins ? from.ins : 1;
    for (size_t out = 0, width; out < from.outs; out += width) {
        width = !from.ins ? from.outs : out + W >= from.outs ? W : 2 * W;
        for (size_t i = 0; i < from.taps[0]; i++)
            for (size_t j = 0; j < from.taps[1]; j++)
                for (size_t in = 0; in < ins; in++)
                    for (size_t lane = 0; lane < width; lane++) {
                        const bool there = out + lane < from.outs;
                        *to++ = there ? place(i, j)[(out + lane) * from.out_stride + in * from.in_stride] : 0.0f;
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

void conv(const Conv& job) {
    const Window& window = job.window;
    const size_t ins = job.x.channels, outs = job.out_channels, places = window.kernel[0] * window.kernel[1];
    const Frame frame{window.before[0], window.after[0], window.before[1], window.after[1]};
    const float* images = framed(job.x, frame, ins, job.workspace);
    float* weight = job.workspace + framed_size(job.x, frame, ins);
    const size_t per_out = job.depthwise ? 1 : ins;
    lay_out({job.weight, outs, per_out * places, job.depthwise ? 0 : ins, places, {window.kernel[0], window.kernel[1]},
             {0, 0}, {1, 1}, window.kernel[1]},
            weight);
    const size_t row = (frame.left + job.x.width + frame.right) * ins;
    Part part{images, job.x.batch, row * (frame.top + job.x.height + frame.bottom), 0, row * window.stride[0],
              ins * window.stride[1], job.height, job.width, window.kernel[0], row * window.dilation[0],
              window.kernel[1], ins * window.dilation[1], job.depthwise ? 0 : ins, weight, job.bias, job.out, outs,
              job.height * job.width * outs, 0, job.width * outs, outs};
    join_places(part);
    compute_part(part);
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
    const size_t ins = job.x.channels, outs = job.out_channels, places = window.kernel[0] * window.kernel[1];
    const Frame frame{input_grad_frame(window, 0), input_grad_frame(window, 0, job.height, job.x.height),
                      input_grad_frame(window, 1), input_grad_frame(window, 1, job.width, job.x.width)};
    const float* images = framed(job.x, frame, ins, job.workspace);
    float* weight = job.workspace + framed_size(job.x, frame, ins);
    const size_t row = (frame.left + job.x.width + frame.right) * ins;
    for (size_t r = 0; r < window.stride[0]; r++)
        for (size_t c = 0; c < window.stride[1]; c++) {
            const Phase down(window, 0, r, job.height), across(window, 1, c, job.width);
            lay_out({job.weight, outs, places, job.depthwise ? 0 : ins, outs * places, {down.taps, across.taps},
                     {down.last_place, across.last_place},
                     {-static_cast<ptrdiff_t>(window.stride[0]), -static_cast<ptrdiff_t>(window.stride[1])},
                     window.kernel[1]},
                    weight);
            Part part{images, job.x.batch, row * (frame.top + job.x.height + frame.bottom),
                      down.first_window * row + across.first_window * ins, row, ins, down.pixels, across.pixels,
                      down.taps, row * window.dilation[0], across.taps, ins * window.dilation[1],
                      job.depthwise ? 0 : ins, weight, nullptr, job.out, outs, job.height * job.width * outs,
                      (down.first_pixel * job.width + across.first_pixel) * outs,
                      window.stride[0] * job.width * outs, window.stride[1] * outs};
            join_places(part);
            compute_part(part);
        }
}

}  // namespace

void add_conv(Kernels& table) {
    table.conv = conv;
    table.conv_input_grad = conv_input_grad;
}

}  // namespace ISA

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

#include "conv_tiles.h"
#include "transpose.h"

namespace ISA {
namespace {

constexpr size_t COPIED = 16384;  // numbers of a weight that are worth handing to another thread

// The weight of a forward convolution in the order in which tiles read: for 2 W outputs (or the W last) all places, for
// each of them all inputs. What is one row for an output is a column there, so W x W numbers are transposed at a time.
void lay_out_rows(const float* weight, size_t outs, size_t ins, size_t places, float* packed) {
    const size_t depth = ins * places, panels = divided_up(outs, 2 * W);
    in_blocks(panels, evenly(panels, COPIED / (depth * 2 * W) + 1), [=](size_t begin, size_t end) {
        for (size_t out = begin * 2 * W; out < smaller(end * 2 * W, outs); out += 2 * W) {
            float* const to = packed + out * depth;
            const size_t width = out + W >= outs ? W : 2 * W;
            for (size_t lane = 0; lane < width; lane += W) {
                const size_t lanes = smaller(outs - out - lane, W);
                each_vector(depth, [&](size_t first, size_t count) {
                    Vector rows[W] = {};
                    for (size_t i = 0; i < lanes; i++) rows[i] = load(weight + (out + lane + i) * depth + first, count);
                    transpose(rows);
                    size_t in = first / places, place = first % places;
                    for (size_t i = 0; i < count; i++) {
                        store(to + (place * ins + in) * width + lane, rows[i], W);
                        if (++place == places) in++, place = 0;
                    }
                });
            }
        }
    });
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

// What all parts of a job have in common; where their weights lie is said later.
Part begun(const Conv& job, const Frame& frame) {
    const size_t channels = job.x.channels;
    Part part = {};
    part.batch = job.x.batch, part.row = frame.width(job.x) * channels, part.image = frame.height(job.x) * part.row;
    part.tap_rows = job.window.dilation[0], part.tap_across = channels * job.window.dilation[1];
    part.run = job.depthwise ? 0 : channels / job.groups;
    part.bias = job.bias, part.out = job.out, part.channels = job.out_channels / job.groups;
    part.out_image = job.height * job.width * job.out_channels;
    return part;
}

// A forward convolution as a part.
Part forward_part(const Conv& job, const Frame& frame) {
    const Window& window = job.window;
    const size_t channels = job.x.channels, outs = job.out_channels;
    Part part = begun(job, frame);
    part.rows_down = window.stride[0], part.step_across = channels * window.stride[1];
    part.down = job.height, part.across = job.width;
    part.taps_down = window.kernel[0], part.taps_across = window.kernel[1];
    part.out_down = job.width * outs, part.out_across = outs;
    join_places(part);
    return part;
}

void conv(const Conv& job) {
    const Window& window = job.window;
    const size_t places = window.kernel[0] * window.kernel[1], ins = job.x.channels / job.groups;
    const Frame frame = frame_of(window);
    Part part = forward_part(job, frame);
    part.weight = job.workspace;
    for (size_t group = 0; group < job.groups; group++) {
        const float* weight = job.weight + group * part.channels * ins * places;
        float* to = job.workspace + group * part.weight_size();
        if (job.depthwise) {
            const size_t taps[] = {window.kernel[0], window.kernel[1]};
            lay_out({weight, part.channels, places, 0, 0, {taps[0], taps[1]}, {0, 0}, {1, 1}, taps[1]}, to);
        } else {
            lay_out_rows(weight, part.channels, ins, places, to);
        }
    }
    compute_parts(job, frame, &part, 1, job.workspace + job.groups * part.weight_size());
}

size_t conv_workspace(const Conv& job) {
    const Frame frame = frame_of(job.window);
    const Part part = forward_part(job, frame);
    return job.groups * part.weight_size() + strips_size(job, frame, &part, 1);
}

// One dimension of the input's gradient: the pixels y with (y + padding) % stride == rest.
struct Phase {
    Phase() = default;
    Phase(const Window& window, int dim, size_t rest, size_t size) {
        const size_t stride = window.stride[dim], before = window.before[dim];
        taps = rest < window.kernel[dim] ? divided_up(window.kernel[dim] - rest, stride) : 0;
        first_pixel = (rest + stride - before % stride) % stride;
        pixels = first_pixel < size ? (size - 1 - first_pixel) / stride + 1 : 0;
        const size_t reach = taps ? (taps - 1) * window.dilation[dim] : 0;
        first_window = (first_pixel + before) / stride + input_grad_frame(window, dim) - reach;
        last_place = rest + (taps ? taps - 1 : 0) * stride;
    }
    size_t taps, first_pixel, pixels, first_window, last_place;
};

// Such pixels of both dimensions.
struct Pixels {
    Phase down, across;
};

constexpr size_t MOST = 4;  // parts that are computed together

// Calls step(pixels, count) for all of them, at most MOST at a time.
template <class Step> void each_few_pixels(const Conv& job, Step step) {
    Pixels found[MOST];
    size_t count = 0;
    const auto pass_on = [&] {
        if (count) step(found, count);
        count = 0;
    };
    for (size_t r = 0; r < job.window.stride[0]; r++)
        for (size_t c = 0; c < job.window.stride[1]; c++) {
            found[count] = {Phase(job.window, 0, r, job.height), Phase(job.window, 1, c, job.width)};
            if (found[count].down.pixels && found[count].across.pixels) count++;
            if (count == MOST) pass_on();
        }
    pass_on();
}

Frame input_grad_frame(const Conv& job) {
    const Window& window = job.window;
    return {input_grad_frame(window, 0), input_grad_frame(window, 0, job.height, job.x.height),
            input_grad_frame(window, 1), input_grad_frame(window, 1, job.width, job.x.width)};
}

Part part_of(const Conv& job, const Frame& frame, const Pixels& pixels) {
    const Window& window = job.window;
    const Phase &down = pixels.down, &across = pixels.across;
    const size_t channels = job.x.channels, outs = job.out_channels;
    Part part = begun(job, frame);
    part.first_row = down.first_window, part.origin = across.first_window * channels;
    part.rows_down = 1, part.step_across = channels;
    part.down = down.pixels, part.across = across.pixels;
    part.taps_down = down.taps, part.taps_across = across.taps;
    part.out_origin = (down.first_pixel * job.width + across.first_pixel) * outs;
    part.out_down = window.stride[0] * job.width * outs, part.out_across = window.stride[1] * outs;
    join_places(part);
    return part;
}

void lay_out_turned(const Conv& job, const Pixels& pixels, const Part& part, float* to) {
    const Window& window = job.window;
    const Phase &down = pixels.down, &across = pixels.across;
    const size_t places = window.kernel[0] * window.kernel[1], ins = job.x.channels / job.groups;
    const ptrdiff_t step[] = {-static_cast<ptrdiff_t>(window.stride[0]), -static_cast<ptrdiff_t>(window.stride[1])};
    for (size_t group = 0; group < job.groups; group++)
        lay_out({job.weight + group * ins * part.channels * places,
                 part.channels,
                 places,
                 job.depthwise ? 0 : ins,
                 part.channels * places,
                 {down.taps, across.taps},
                 {down.last_place, across.last_place},
                 {step[0], step[1]},
                 window.kernel[1]},
                to + group * part.weight_size());
}

void conv_input_grad(const Conv& job) {
    const Frame frame = input_grad_frame(job);
    each_few_pixels(job, [&](const Pixels* pixels, size_t count) {
        Part parts[MOST];
        float* workspace = job.workspace;
        for (size_t i = 0; i < count; i++) {
            parts[i] = part_of(job, frame, pixels[i]);
            parts[i].weight = workspace;
            lay_out_turned(job, pixels[i], parts[i], workspace);
            workspace += job.groups * parts[i].weight_size();
        }
        compute_parts(job, frame, parts, count, workspace);
    });
}

size_t conv_input_grad_workspace(const Conv& job) {
    const Frame frame = input_grad_frame(job);
    size_t most = 0;
    each_few_pixels(job, [&](const Pixels* pixels, size_t count) {
        Part parts[MOST];
        size_t weights = 0;
        for (size_t i = 0; i < count; i++) {
            parts[i] = part_of(job, frame, pixels[i]);
            weights += job.groups * parts[i].weight_size();
        }
        most = larger(most, weights + strips_size(job, frame, parts, count));
    });
    return most;
}

}  // namespace

void add_conv(Kernels& table) {
    table.conv = conv;
    table.conv_workspace = conv_workspace;
    table.conv_input_grad = conv_input_grad;
    table.conv_input_grad_workspace = conv_input_grad_workspace;
}

}  // namespace ISA

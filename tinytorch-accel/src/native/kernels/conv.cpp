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
constexpr size_t WORK = 300000;              // multiplications that are worth handing to another thread
constexpr size_t COPIED = 16384;             // numbers of a weight that are
constexpr size_t TASKS = 4;                  // that threads take in turn, of a few images
constexpr size_t STRIP = 1 << 15;            // numbers of an image in its frame that stay in the second-level cache
constexpr size_t LEAST = 4;                  // rows of windows in a strip, so that few rows are copied twice

// A grid of pixels in each image and the windows under them. Rows are those of images in their frames; all other
// distances are in numbers.
struct Part {
    const float* images;
    size_t batch, image, row;                             // how many, and how large
    size_t first_row, origin, rows_down, step_across;     // of the first window, between windows
    size_t down, across;                                  // pixels
    size_t taps_down, tap_rows, taps_across, tap_across;  // places in the window, and between them
    size_t run;                                           // numbers to sum at each place; 0: depthwise
    const float *weight, *bias;
    float* out;
    size_t channels, out_image, out_origin, out_down, out_across;

    size_t pixels() const { return down * across; }
    size_t tiles() const { return (pixels() + PIXELS - 1) / PIXELS; }  // of an image
    size_t depth() const { return taps_down * taps_across * (run ? run : 1); }
    size_t end_row() const { return first_row + (taps_down ? taps_down - 1 : 0) * tap_rows + 1; }
    size_t weight_size() const { return up_to_multiple(channels, W) * depth(); }
    // As many channels further, in images and in outputs.
    Part of_group(size_t group) const {
        Part part = *this;
        part.images += group * run, part.weight += group * weight_size(), part.out += group * channels;
        if (bias) part.bias += group * channels;
        return part;
    }
};

// The windows and outputs of PIXELS pixels; the last is repeated where there are fewer.
struct Tile {
    void set(const Part& part, size_t image, size_t first) {
        size_t row = first / part.across, column = first % part.across;
        const size_t step_down = part.rows_down * part.row;
        const float* from = part.images + image * part.image + part.first_row * part.row + part.origin +
                            row * step_down + column * part.step_across;
        float* to =
            part.out + image * part.out_image + part.out_origin + row * part.out_down + column * part.out_across;
        const size_t left = part.pixels() - first, back = part.across - 1;
        count = left < PIXELS ? left : PIXELS;
        for (size_t i = 0; i < PIXELS; i++) {
            at[i] = from, out[i] = to;
            if (i + 1 >= count) continue;
            const bool ends = ++column == part.across;
            from += ends ? step_down - back * part.step_across : part.step_across;
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
            const size_t begin = row * part.tap_rows * part.row + column * part.tap_across;
            for (size_t k = begin; k < begin + part.run; k++, weight += VECTORS * W) {
                Vector weights[VECTORS];
                unrolled<VECTORS>([&](size_t v) { weights[v] = load(weight + v * W, W); });
                unrolled<PIXELS>(
                    [&](size_t i) { unrolled<VECTORS>([&](size_t v) { sums[i][v] += all(at[i][k]) * weights[v]; }); });
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
            const size_t place = row * part.tap_rows * part.row + column * part.tap_across + channel;
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

void compute_all_tiles(const Part& part, size_t begin, size_t end) {
    for (; begin < end; begin += TOGETHER) compute_tiles(part, begin, end - begin < TOGETHER ? end : begin + TOGETHER);
}

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

// Places in a row that lie side by side are one run.
void join_places(Part& part) {
    if (part.run && part.taps_across && part.tap_across == part.run) {
        part.run *= part.taps_across;
        part.taps_across = 1;
    }
}

// A window of one pixel without a stride does not know of rows: all images are one row.
void join_pixels(Part& part) {
    if (part.taps_down * part.taps_across != 1 || part.rows_down * part.row != part.across * part.step_across ||
        part.image != part.down * part.rows_down * part.row || part.out_down != part.across * part.out_across ||
        part.out_image != part.down * part.out_down)
        return;
    part.across *= part.down * part.batch;
    part.down = part.batch = 1;
}

// A forward convolution as a part; where its weight lies is said later.
Part forward_part(const Conv& job, const Frame& frame) {
    const Window& window = job.window;
    const size_t channels = job.x.channels, outs = job.out_channels;
    Part part = {};
    part.batch = job.x.batch, part.row = frame.width(job.x) * channels, part.image = frame.height(job.x) * part.row;
    part.rows_down = window.stride[0], part.step_across = channels * window.stride[1];
    part.down = job.height, part.across = job.width;
    part.taps_down = window.kernel[0], part.tap_rows = window.dilation[0];
    part.taps_across = window.kernel[1], part.tap_across = channels * window.dilation[1];
    part.run = job.depthwise ? 0 : channels / job.groups;
    part.bias = job.bias, part.out = job.out, part.channels = outs / job.groups;
    part.out_image = job.height * job.width * outs, part.out_down = job.width * outs, part.out_across = outs;
    join_places(part);
    return part;
}

// How images are cut into strips of windows for threads to take, for parts that read the same images.
struct Cut {
    Cut(const Conv& job, const Part* parts, size_t count) : first_row(parts->first_row) {
        size_t end_row = 0, windows = 0, of_row = 1;
        for (size_t i = 0; i < count; i++) {
            const Part& part = parts[i];
            first_row = smaller(first_row, part.first_row), end_row = larger(end_row, part.end_row());
            windows = larger(windows, part.down), of_row += part.across * part.channels * part.depth() * job.groups;
        }
        const size_t reach = end_row - first_row, room = STRIP / parts->row;
        const size_t fitting = larger(room > reach ? (room - reach) / parts->rows_down + 1 : 1, LEAST);
        const size_t wanted = larger(divided_up(windows, divided_up(TASKS, parts->batch)), WORK / of_row + 1);
        strips = divided_up(windows, smaller(fitting, wanted));
        windows_down = divided_up(windows, strips);
        rows = (windows_down - 1) * parts->rows_down + reach;
        size = up_to_multiple(rows * parts->row, 16);
        together = larger(WORK / (of_row * windows_down), 1);
    }
    size_t first_row;           // of the first strip, in the frame
    size_t strips;              // of an image
    size_t windows_down, rows;  // rows of windows in a strip, and of the image under them
    size_t size, together;      // numbers of a strip, strips that are worth handing to another thread
};

bool lies_ready(const Conv& job, const Frame& frame) { return job.x.channels_last && !frame.any(); }

size_t strips_size(const Conv& job, const Frame& frame, const Part* parts, size_t count) {
    return lies_ready(job, frame) ? 0 : job.threads * Cut(job, parts, count).size;
}

// Images that lie as the tiles read them.
void compute_in_place(const Conv& job, Part part) {
    part.images = job.x.data;
    for (size_t group = 0; group < job.groups; group++) {
        Part each = part.of_group(group);
        join_pixels(each);
        const size_t in_tile = PIXELS * each.channels * (each.depth() + 1), count = each.batch * each.tiles();
        in_blocks(count, evenly(count, WORK / in_tile + 1),
                  [&](size_t begin, size_t end) { compute_all_tiles(each, begin, end); });
    }
}

// Others are brought into their frames strip by strip: what a thread has just copied is in its cache.
void compute_in_strips(const Conv& job, const Frame& frame, const Part* parts, size_t count, float* workspace) {
    const Cut cut(job, parts, count);
    in_blocks_of_threads(job.x.batch * cut.strips, cut.together, job.threads,
                         [&](size_t begin, size_t end, int thread) {
                             float* const strip = workspace + thread * cut.size;
                             for (; begin < end; begin++) {
                                 const size_t image = begin / cut.strips, first = begin % cut.strips * cut.windows_down;
                                 copy_rows(job.x, frame, job.x.channels, image,
                                           cut.first_row + first * parts->rows_down, cut.rows, strip);
                                 for (size_t i = 0; i < count; i++) {
                                     if (first >= parts[i].down) continue;
                                     Part part = parts[i];
                                     part.images = strip, part.batch = 1;
                                     part.first_row -= cut.first_row;
                                     part.down = smaller(part.down - first, cut.windows_down);
                                     part.out += image * part.out_image + first * part.out_down;
                                     for (size_t group = 0; group < job.groups; group++)
                                         compute_all_tiles(part.of_group(group), 0, part.tiles());
                                 }
                             }
                         });
}

void compute(const Conv& job, const Frame& frame, const Part* parts, size_t count, float* workspace) {
    if (!lies_ready(job, frame)) return compute_in_strips(job, frame, parts, count, workspace);
    for (size_t i = 0; i < count; i++) compute_in_place(job, parts[i]);
}

Frame frame_of(const Window& window) { return {window.before[0], window.after[0], window.before[1], window.after[1]}; }

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
    compute(job, frame, &part, 1, job.workspace + job.groups * part.weight_size());
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
        taps = rest < window.kernel[dim] ? (window.kernel[dim] - rest + stride - 1) / stride : 0;
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
    Part part = {};
    part.batch = job.x.batch, part.row = frame.width(job.x) * channels, part.image = frame.height(job.x) * part.row;
    part.first_row = down.first_window, part.origin = across.first_window * channels;
    part.rows_down = 1, part.step_across = channels;
    part.down = down.pixels, part.across = across.pixels;
    part.taps_down = down.taps, part.tap_rows = window.dilation[0];
    part.taps_across = across.taps, part.tap_across = channels * window.dilation[1];
    part.run = job.depthwise ? 0 : channels / job.groups;
    part.out = job.out, part.channels = outs / job.groups, part.out_image = job.height * job.width * outs;
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
        compute(job, frame, parts, count, workspace);
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

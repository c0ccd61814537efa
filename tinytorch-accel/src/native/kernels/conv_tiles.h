// Tiles of convolutions: what conv.cpp says of them, and how images are cut into strips for threads to take.

#pragma once

#include "images.h"
#include "kernels.h"
#include "pool.h"
#include "simd.h"

namespace ISA {
namespace {

constexpr size_t PIXELS = W == 16 ? 12 : 6;  // with two vectors each and three more: the registers there are
constexpr size_t TOGETHER = 4;               // tiles that go by while the weights of 2 W channels stay in the cache
constexpr size_t WORK = 300000;              // multiplications that are worth handing to another thread

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
    size_t tiles() const { return divided_up(pixels(), PIXELS); }  // of an image
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

// How images are cut into strips of windows, for parts that read the same images. Results do not depend on it.
struct Cut {
    Cut(const Conv& job, const Part* parts, size_t count) : first_row(parts->first_row) {
        size_t end_row = 0, windows = 0, of_row = 1;
        for (size_t i = 0; i < count; i++) {
            const Part& part = parts[i];
            first_row = smaller(first_row, part.first_row), end_row = larger(end_row, part.end_row());
            windows = larger(windows, part.down), of_row += part.across * part.channels * part.depth() * job.groups;
        }
        const size_t batch = parts->batch, step = parts->rows_down, reach = end_row - first_row;
        const size_t tasks = divided_up(2 * static_cast<size_t>(job.threads), batch);  // of an image
        const size_t wanted = larger(larger(divided_up(windows, tasks), WORK / of_row + 1), divided_up(reach, step));
        strips = divided_up(windows, smaller(windows_in_strip(parts->row, reach, step), wanted));
        windows_down = divided_up(windows, strips);
        rows = (windows_down - 1) * step + reach;
        size = up_to_multiple(rows * parts->row, 16);
        together = larger(WORK / (of_row * windows_down), 1);
        threads = smaller(job.threads, divided_up(batch * strips, together));
    }
    size_t first_row;           // of the first strip, in the frame
    size_t strips;              // of an image
    size_t windows_down, rows;  // rows of windows in a strip, and of the image under them
    size_t size, together;      // numbers of a strip, strips that are worth handing to another thread
    size_t threads;             // that have something to do
};

inline size_t strips_size(const Conv& job, const Frame& frame, const Part* parts, size_t count) {
    if (lies_ready(job.x, frame)) return 0;
    const Cut cut(job, parts, count);
    return cut.threads * cut.size;
}

// Images that lie as the tiles read them.
inline void compute_in_place(const Conv& job, Part part) {
    part.images = job.x.data;
    for (size_t group = 0; group < job.groups; group++) {
        Part each = part.of_group(group);
        join_pixels(each);
        const size_t in_tile = PIXELS * each.channels * (each.depth() + 1), count = each.batch * each.tiles();
        in_blocks(count, evenly(count, WORK / in_tile + 1),
                  [&](size_t begin, size_t end) { compute_all_tiles(each, begin, end); });
    }
}

// A strip that has been copied, of one image from this row of windows on.
inline void compute_strip(const Conv& job, const Cut& cut, Part part, size_t image, size_t first, const float* strip) {
    if (first >= part.down) return;
    part.images = strip, part.batch = 1;
    part.first_row -= cut.first_row;
    part.down = smaller(part.down - first, cut.windows_down);
    part.out += image * part.out_image + first * part.out_down;
    for (size_t group = 0; group < job.groups; group++) compute_all_tiles(part.of_group(group), 0, part.tiles());
}

// All parts. Images that do not lie ready are brought into their frames strip by strip: what a thread has just copied
// is in its cache.
inline void compute_parts(const Conv& job, const Frame& frame, const Part* parts, size_t count, float* workspace) {
    if (lies_ready(job.x, frame)) {
        for (size_t i = 0; i < count; i++) compute_in_place(job, parts[i]);
        return;
    }
    const Cut cut(job, parts, count);
    const auto step = [&](size_t begin, size_t end, int thread) {
        float* const strip = workspace + static_cast<size_t>(thread) * cut.size;
        for (; begin < end; begin++) {
            const size_t image = begin / cut.strips, first = begin % cut.strips * cut.windows_down;
            copy_rows(job.x, frame, image, cut.first_row + first * parts->rows_down, cut.rows, strip);
            for (size_t i = 0; i < count; i++) compute_strip(job, cut, parts[i], image, first, strip);
        }
    };
    in_blocks_of_threads(job.x.batch * cut.strips, cut.together, static_cast<int>(cut.threads), step);
}

}  // namespace
}  // namespace ISA

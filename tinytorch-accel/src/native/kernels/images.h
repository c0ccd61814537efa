// Images in the order that kernels read: (batch, height, width, channels), where wanted with a frame of zeros around.

#pragma once

#include "kernels.h"
#include "pool.h"
#include "simd.h"

namespace ISA {

struct Frame {
    size_t top, bottom, left, right;
    bool any() const { return top || bottom || left || right; }
    size_t height(const Images& x) const { return top + x.height + bottom; }
    size_t width(const Images& x) const { return left + x.width + right; }
};

inline void fill_zeros(float* to, size_t size) { __builtin_memset(to, 0, size * sizeof *to); }

// One row of an image, width x channels; each pixel is `wide` numbers, the last of them zeros.
inline void copy_row(const Images& x, size_t image, size_t row, size_t wide, float* to) {
    const size_t across = x.channels_last ? x.channels : 1, plane = x.channels_last ? 1 : x.height * x.width;
    const float* from = x.data + image * x.channels * x.height * x.width + row * x.width * across;
    if (x.channels_last && wide == x.channels) {
        __builtin_memcpy(to, from, x.width * wide * sizeof *to);
        return;
    }
    if (wide > x.channels) fill_zeros(to, x.width * wide);
    for (size_t channel = 0; channel < x.channels; channel++)
        for (size_t i = 0; i < x.width; i++) to[i * wide + channel] = from[channel * plane + i * across];
}

// Numbers of an image in its frame that stay in a thread's second-level cache.
constexpr size_t STRIP = 1 << 15;

// How many rows of windows a strip has whose rows of the image, `row` numbers each, stay there; at least so many that
// no more than half of them are copied for the next strip, too. `reach` rows lie under a window, and windows `step`
// apart.
inline size_t windows_in_strip(size_t row, size_t reach, size_t step) {
    const size_t room = STRIP / row;
    return larger(room > reach ? (room - reach) / step + 1 : 1, divided_up(reach, step));
}

inline Frame frame_of(const Window& window) {
    return {window.before[0], window.after[0], window.before[1], window.after[1]};
}

// Whether images lie as kernels read them.
inline bool lies_ready(const Images& x, const Frame& frame) { return x.channels_last && !frame.any(); }

// Rows [first, first + count) of an image in its frame.
inline void copy_rows(const Images& x, const Frame& frame, size_t image, size_t first, size_t count, float* to) {
    const size_t wide = x.channels, left = frame.left * wide, middle = x.width * wide, right = frame.right * wide;
    for (size_t row = first; row < first + count; row++, to += left + middle + right) {
        if (row < frame.top || row >= frame.top + x.height) {
            fill_zeros(to, left + middle + right);
            continue;
        }
        fill_zeros(to, left);
        copy_row(x, image, row - frame.top, wide, to + left);
        fill_zeros(to + left + middle, right);
    }
}

// All images, channels last and without a frame: themselves where they lie so, else a copy in `to`, of as many numbers.
inline const float* in_order(const Images& x, size_t wide, float* to) {
    if (x.channels_last && wide == x.channels) return x.data;
    const size_t width = x.width * wide;
    in_blocks(x.batch * x.height, 16384 / width + 1, [=](size_t begin, size_t end) {
        for (size_t i = begin; i < end; i++) copy_row(x, i / x.height, i % x.height, wide, to + i * width);
    });
    return to;
}

}  // namespace ISA

// Images in the order that kernels read: (batch, height, width, channels), with a frame of zeros around each.

#pragma once

#include "kernels.h"
#include "pool.h"
#include "simd.h"

namespace ISA {

struct Frame {
    size_t top, bottom, left, right;
    bool any() const { return top || bottom || left || right; }
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

// The images themselves where they lie as wanted, else a copy in `to`. It has framed_size() numbers.
inline size_t framed_size(const Images& x, const Frame& frame, size_t wide) {
    return x.batch * (frame.top + x.height + frame.bottom) * (frame.left + x.width + frame.right) * wide;
}

inline const float* framed(const Images& x, const Frame& frame, size_t wide, float* to) {
    if (x.channels_last && wide == x.channels && !frame.any()) return x.data;
    const size_t rows = frame.top + x.height + frame.bottom;
    const size_t left = frame.left * wide, middle = x.width * wide, right = frame.right * wide;
    const size_t width = left + middle + right;
    in_blocks(x.batch * rows, 16384 / width + 1, [=](size_t begin, size_t end) {
        for (size_t i = begin; i < end; i++) {
            const size_t row = i % rows;
            float* out = to + i * width;
            if (row < frame.top || row >= frame.top + x.height) {
                fill_zeros(out, width);
                continue;
            }
            fill_zeros(out, left);
            copy_row(x, i / rows, row - frame.top, wide, out + left);
            fill_zeros(out + left + middle, right);
        }
    });
    return to;
}

}  // namespace ISA

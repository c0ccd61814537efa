// Matrices turned around, W x W numbers at a time, in registers.

#pragma once

#include "simd.h"

#include <utility>

namespace ISA {

// Exchanges the upper right quarter of each 2 STEP x 2 STEP block with the lower left one (Eklundh 1972).
template <size_t STEP, size_t... LANES>
inline void exchange(Vector& upper, Vector& lower, std::index_sequence<LANES...>) {
    const Vector above = upper, below = lower;
    upper = __builtin_shufflevector(above, below, (LANES & STEP ? W + LANES - STEP : LANES)...);
    lower = __builtin_shufflevector(above, below, (LANES & STEP ? W + LANES : LANES + STEP)...);
}

// Row i becomes column i.
template <size_t STEP = W / 2> inline void transpose(Vector (&rows)[W]) {
    unrolled<W>([&](size_t i) {
        if (!(i & STEP)) exchange<STEP>(rows[i], rows[i + STEP], std::make_index_sequence<W>());
    });
    if constexpr (STEP > 1) transpose<STEP / 2>(rows);
}

// COUNT rows of `width` numbers, `apart` from each other, to columns: `to` gets the first numbers of all rows, then the
// second ones, and so on. Writes up to W - 1 numbers beyond the end.
template <size_t COUNT>
[[gnu::flatten]] void copy_transposed(const float* from, ptrdiff_t apart, size_t width, float* to) {
    constexpr size_t FIRST = COUNT < W ? COUNT : W;
    each_vector(width, [=](size_t i, size_t count) {
        for (size_t begin = 0; begin < COUNT; begin += FIRST) {
            Vector rows[W] = {};
            for (size_t row = 0; row < FIRST; row++)
                rows[row] = load(from + static_cast<ptrdiff_t>(begin + row) * apart + i, count);
            transpose(rows);
            for (size_t column = 0; column < W; column++)
                if (column < count) store(to + (i + column) * COUNT + begin, rows[column], W);
        }
    });
}

}  // namespace ISA

// Sums and maxima of a row: what kernels that go row by row share.

#pragma once

#include "simd.h"

namespace ISA {
namespace {

constexpr size_t BLOCK = 8192;  // numbers that are worth handing to another thread

inline size_t rows_in_block(size_t width) { return width < BLOCK ? BLOCK / width : 1; }

// Four sums side by side: the next addition need not wait for the last one, and roundings are fewer.
template <class Term> [[gnu::flatten]] inline float sum_of(size_t size, Term term) {
    Vector sums[4] = {};
    size_t i = 0;
    for (; i + 4 * W <= size; i += 4 * W)
        for (size_t k = 0; k < 4; k++) sums[k] += term(i + k * W, W);
    for (; i + W <= size; i += W) sums[0] += term(i, W);
    if (i < size) sums[1] += first(term(i, size - i), size - i);
    return sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

// The largest number of a row; nan is passed over, and -inf comes of nothing else.
inline float largest_of(const float* x, size_t size) {
    Vector most[2] = {all(-__builtin_inff()), all(-__builtin_inff())};
    size_t i = 0;
    for (; i + 2 * W <= size; i += 2 * W)
        for (size_t k = 0; k < 2; k++) most[k] = larger(most[k], load(x + i + k * W, W));
    for (; i + W <= size; i += W) most[0] = larger(most[0], load(x + i, W));
    const Vector both = larger(most[0], most[1]);
    float out = both[0];
    for (size_t k = 1; k < W; k++) out = both[k] > out ? both[k] : out;
    for (; i < size; i++) out = x[i] > out ? x[i] : out;
    return out;
}

}  // namespace
}  // namespace ISA

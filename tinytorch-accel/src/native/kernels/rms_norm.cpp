// RMS norm (Zhang & Sennrich 2019): each row divided by the root of its mean square, then scaled as learned.
//
//   rrms = 1 / sqrt(sum(x^2) / n + eps),   z = x * rrms,   out = z * weight                            (equation 4)
//
// Backward, with g = grad * weight, for each row:
//
//   by_x = rrms * (g - z * mean(g * z)),   by_weight = sum of grad * z over rows
//
// As layer norm (layer_norm.cpp), without a mean: two passes through a row, which is in the first-level cache by the
// second; the sum over rows in a fixed number of blocks, so that it does not depend on the threads.

#include "kernels.h"
#include "pool.h"
#include "rows.h"

namespace ISA {
namespace {

void rms_norm(const RmsNorm& job) {
    const size_t n = job.width;
    in_blocks(job.rows, rows_in_block(n), [&](size_t begin, size_t end) {
        for (size_t row = begin; row < end; row++) {
            const float *x = job.x + row * n, *weight = job.weight;
            float* out = job.out + row * n;
            const float squares = sum_of(n, [=](size_t i, size_t count) {
                const Vector number = load(x + i, count);
                return number * number;
            });
            const float rrms = 1.0f / __builtin_sqrtf(squares / n + job.eps);
            each_vector(n, [=](size_t i, size_t count) {
                const Vector z = load(x + i, count) * rrms;
                store(out + i, weight ? z * load(weight + i, count) : z, count);
            });
            job.rrms[row] = rrms;
        }
    });
}

// The row's by_x, and its part of the sum over rows added to by_weight.
[[gnu::flatten]] void backward_row(const RmsNormGrad& job, size_t row, float* by_weight) {
    const size_t n = job.width;
    const float *grad = job.grad + row * n, *x = job.x + row * n, *weight = job.weight;
    const float rrms = job.rrms[row];
    float* by_x = job.by_x + row * n;
    Vector sum_gz{};
    each_vector(n, [&](size_t i, size_t count) {
        const Vector product = load(grad + i, count) * (load(x + i, count) * rrms);
        store(by_weight + i, load(by_weight + i, count) + product, count);
        sum_gz += first(weight ? product * load(weight + i, count) : product, count);
    });
    const float mean_gz = sum(sum_gz) / n;
    each_vector(n, [=](size_t i, size_t count) {
        Vector g = load(grad + i, count);
        if (weight) g = g * load(weight + i, count);
        store(by_x + i, (g - load(x + i, count) * rrms * mean_gz) * rrms, count);
    });
}

void rms_norm_grad(const RmsNormGrad& job) {
    const size_t n = job.width, blocks = rms_norm_workspace(job.rows, n) / n;
    const size_t at_a_time = job.rows * n < 2 * BLOCK ? blocks : 1;  // small: all by this thread
    in_blocks(blocks, at_a_time, [&](size_t begin, size_t end) {
        for (size_t block = begin; block < end; block++) {
            float* part = job.workspace + n * block;
            __builtin_memset(part, 0, n * sizeof *part);
            for (size_t row = job.rows * block / blocks; row < job.rows * (block + 1) / blocks; row++)
                backward_row(job, row, part);
        }
    });
    each_vector(n, [&](size_t i, size_t count) {
        Vector total = load(job.workspace + i, count);
        for (size_t block = 1; block < blocks; block++) total = total + load(job.workspace + block * n + i, count);
        store(job.by_weight + i, total, count);
    });
}

}  // namespace

void add_rms_norm(Kernels& table) {
    table.rms_norm = rms_norm;
    table.rms_norm_grad = rms_norm_grad;
}

}  // namespace ISA

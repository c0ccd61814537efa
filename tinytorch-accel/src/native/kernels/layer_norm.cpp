// Layer norm (Ba, Kiros & Hinton 2016): each row brought to mean 0 and variance 1, then scaled and shifted as learned.
//
//   mean = sum(x) / n,   rstd = 1 / sqrt(sum((x - mean)^2) / n + eps)                          (equation 3)
//   z = (x - mean) * rstd,   out = z * weight + bias
//
// The variance is summed of differences from the mean, not as mean(x^2) - mean^2, which loses all digits where the mean
// is large. That takes a second look at the row, which is in the first-level cache by then, and a third to write.
//
// Backward, with g = grad * weight, for each row:
//
//   by_x = rstd * (g - mean(g) - z * mean(g * z)),   by_weight = sum of grad * z over rows,   by_bias = sum of grad
//
// Both means and both sums come of one pass through the row, by_x of a second. Rows are dealt out to threads; the sums
// over rows are summed in a fixed number of blocks (LAYER_NORM_BLOCKS), so that they do not depend on the threads.

#include "kernels.h"
#include "pool.h"
#include "rows.h"

namespace ISA {
namespace {

void normalize_row(const LayerNorm& job, size_t row) {
    const size_t n = job.width;
    const float* x = job.x + row * n;
    float* out = job.out + row * n;
    const float mean = sum_of(n, [=](size_t i, size_t count) { return load(x + i, count); }) / n;
    const float squares = sum_of(n, [=](size_t i, size_t count) {
        const Vector difference = load(x + i, count) - mean;
        return difference * difference;
    });
    const float rstd = 1.0f / __builtin_sqrtf(squares / n + job.eps);
    const float *weight = job.weight, *bias = job.bias;
    each_vector(n, [=](size_t i, size_t count) {
        Vector z = (load(x + i, count) - mean) * rstd;
        if (weight) z = z * load(weight + i, count);
        if (bias) z = z + load(bias + i, count);
        store(out + i, z, count);
    });
    job.mean[row] = mean;
    job.rstd[row] = rstd;
}

void layer_norm(const LayerNorm& job) {
    in_blocks(job.rows, rows_in_block(job.width), [&](size_t begin, size_t end) {
        for (size_t row = begin; row < end; row++) normalize_row(job, row);
    });
}

// The row's by_x, and its part of the sums over rows added to by_weight and by_bias.
[[gnu::flatten]] void backward_row(const LayerNormGrad& job, size_t row, float* by_weight, float* by_bias) {
    const size_t n = job.width;
    const float *grad = job.grad + row * n, *x = job.x + row * n, *weight = job.weight;
    const float mean = job.mean[row], rstd = job.rstd[row];
    float* by_x = job.by_x + row * n;
    Vector sum_g{}, sum_gz{};
    each_vector(n, [&](size_t i, size_t count) {
        const Vector arrived = load(grad + i, count);
        const Vector z = (load(x + i, count) - mean) * rstd;
        const Vector product = arrived * z;
        store(by_weight + i, load(by_weight + i, count) + product, count);
        store(by_bias + i, load(by_bias + i, count) + arrived, count);
        const Vector scale = weight ? load(weight + i, count) : all(1.0f);
        sum_g += first(arrived * scale, count);
        sum_gz += first(product * scale, count);
    });
    const float mean_g = sum(sum_g) / n, mean_gz = sum(sum_gz) / n;
    each_vector(n, [=](size_t i, size_t count) {
        const Vector z = (load(x + i, count) - mean) * rstd;
        Vector g = load(grad + i, count);
        if (weight) g = rounded(g * load(weight + i, count));  // as in mean_g: of one number nothing is left
        store(by_x + i, (g - (z * mean_gz + mean_g)) * rstd, count);
    });
}

// out = the sum of `blocks` arrays of `size` numbers that lie one behind the other.
void add_blocks(const float* parts, size_t blocks, size_t stride, float* out, size_t size) {
    each_vector(size, [=](size_t i, size_t count) {
        Vector total = load(parts + i, count);
        for (size_t block = 1; block < blocks; block++) total = total + load(parts + block * stride + i, count);
        store(out + i, total, count);
    });
}

void layer_norm_grad(const LayerNormGrad& job) {
    const size_t n = job.width;
    const size_t blocks = layer_norm_workspace(job.rows, n) / (2 * n);
    const size_t at_a_time = job.rows * n < 2 * BLOCK ? blocks : 1;  // small: all by this thread
    in_blocks(blocks, at_a_time, [&](size_t begin, size_t end) {
        for (size_t block = begin; block < end; block++) {
            float* parts = job.workspace + 2 * n * block;
            each_vector(2 * n, [=](size_t i, size_t count) { store(parts + i, Vector{}, count); });
            for (size_t row = job.rows * block / blocks; row < job.rows * (block + 1) / blocks; row++)
                backward_row(job, row, parts, parts + n);
        }
    });
    add_blocks(job.workspace, blocks, 2 * n, job.by_weight, n);
    add_blocks(job.workspace + n, blocks, 2 * n, job.by_bias, n);
}

}  // namespace

void add_layer_norm(Kernels& table) {
    table.layer_norm = layer_norm;
    table.layer_norm_grad = layer_norm_grad;
}

}  // namespace ISA

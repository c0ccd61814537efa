// Sum pooling, of which means are made: the sum of each window, and backward the sum of all windows that have a pixel.
//
//   out[y, x] = sum over (i, j) of in[y * stride - padding + i, x * stride - padding + j]
//
// As in max_pool.cpp, a vector is W channels of one pixel, and sums go by the place in the window, as in the core. What
// lies outside of the image counts as 0: added once, since that only makes 0 of a sum that is -0.

#include "images.h"
#include "kernels.h"
#include "pool.h"
#include "simd.h"
#include "windows.h"

namespace ISA {
namespace {

constexpr size_t WORK = 16384;  // numbers that are worth handing to another thread

// The windows of one row of the output.
[[gnu::flatten]] void sum_row(const SumPool& job, const float* image, size_t y, float* out) {
    const Images& x = job.x;
    const Window& window = job.window;
    const Inside rows(window, 0, y, x.height);
    for (size_t at = 0; at < job.width; at++, out += x.channels) {
        const Inside columns(window, 1, at, x.width);
        const size_t top = y * window.stride[0] - window.before[0], left = at * window.stride[1] - window.before[1];
        const bool whole = rows.end - rows.begin == window.kernel[0] && columns.end - columns.begin == window.kernel[1];
        each_vector(x.channels, [&](size_t channel, size_t count) {
            Vector total = all(-0.0f);
            for (size_t i = rows.begin; i < rows.end; i++)
                for (size_t j = columns.begin; j < columns.end; j++)
                    total += load(image + ((top + i) * x.width + left + j) * x.channels + channel, count);
            store(out + channel, whole ? total : total + 0.0f, count);
        });
    }
}

void sum_pool(const SumPool& job) {
    const Images& x = job.x;
    const float* images = in_order(x, x.channels, job.workspace);
    const size_t in_row = job.width * x.channels, work = in_row * job.window.kernel[0] * job.window.kernel[1];
    in_blocks(x.batch * job.height, WORK / work + 1, [=, &job](size_t begin, size_t end) {
        for (size_t i = begin; i < end; i++)
            sum_row(job, images + i / job.height * x.height * x.width * x.channels, i % job.height,
                    job.out + i * in_row);
    });
}

// One row of the input's gradient.
[[gnu::flatten]] void spread_row(const SumPool& job, const float* grad, size_t y, float* out) {
    const Images& x = job.x;
    const Covering down(job.window, 0, y, x.height);
    fill_zeros(out, job.width * x.channels);
    for (size_t i = 0; i < job.window.kernel[0]; i++)
        for (size_t j = 0; down.has(i) && j < job.window.kernel[1]; j++) {
            const Meeting windows(job.window, 1, j, job.width, x.width);
            const float* row = grad + down.window(i) * x.width * x.channels;
            for (size_t at = windows.begin; at < windows.end; at++) {
                const float* from = row + at * x.channels;
                float* to = out + windows.position(at) * x.channels;
                each_vector(x.channels, [=](size_t channel, size_t count) {
                    store(to + channel, load(to + channel, count) + load(from + channel, count), count);
                });
            }
        }
}

void sum_pool_grad(const SumPool& job) {
    const Images& x = job.x;
    const float* grads = in_order(x, x.channels, job.workspace);
    const size_t in_row = job.width * x.channels;
    in_blocks(x.batch * job.height, WORK / in_row + 1, [=, &job](size_t begin, size_t end) {
        for (size_t i = begin; i < end; i++)
            spread_row(job, grads + i / job.height * x.height * x.width * x.channels, i % job.height,
                       job.out + i * in_row);
    });
}

}  // namespace

void add_sum_pool(Kernels& table) {
    table.sum_pool = sum_pool;
    table.sum_pool_grad = sum_pool_grad;
}

}  // namespace ISA

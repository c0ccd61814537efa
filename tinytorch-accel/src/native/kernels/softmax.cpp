// Softmax of rows (Bridle 1990), and its logarithm:
//
//   softmax(x) = exp(x - max(x)) / sum(exp(x - max(x))),   log_softmax(x) = x - max(x) - log(sum(exp(x - max(x))))
//
// The largest is taken off so that exp cannot overflow. Backward, of what forward gave:
//
//   softmax:      by_x = out * grad - out * sum(grad * out)
//   log_softmax:  by_x = grad - exp(out) * sum(grad)
//
// A row is read two or three times, while it is in the cache. nan and inf come where the core has them: the largest
// passes nan over, but the sum does not, and inf - inf is nan.

#include "kernels.h"
#include "pool.h"
#include "rows.h"

namespace ISA {
namespace {

// step(offset of the row) for every row, shared by threads.
template <class Step> void each_row(size_t rows, size_t width, Step step) {
    in_blocks(rows, rows_in_block(width), [=](size_t begin, size_t end) {
        for (size_t row = begin; row < end; row++) step(row * width);
    });
}

void softmax(const float* x, float* out, size_t rows, size_t width) {
    each_row(rows, width, [=](size_t row) {
        const float *from = x + row, largest = largest_of(from, width);
        float* to = out + row;
        const float total = sum_of(width, [=](size_t i, size_t count) {
            const Vector weight = exp(load(from + i, count) - largest);
            store(to + i, weight, count);
            return weight;
        });
        each_vector(width, [=](size_t i, size_t count) { store(to + i, load(to + i, count) / total, count); });
    });
}

void log_softmax(const float* x, float* out, size_t rows, size_t width) {
    each_row(rows, width, [=](size_t row) {
        const float *from = x + row, largest = largest_of(from, width);
        float* to = out + row;
        const float log_sum = __builtin_logf(
            sum_of(width, [=](size_t i, size_t count) { return exp(load(from + i, count) - largest); }));
        each_vector(width, [=](size_t i, size_t count) {
            store(to + i, load(from + i, count) - largest - log_sum, count);
        });
    });
}

void softmax_grad(const float* grad, const float* out, float* by_x, size_t rows, size_t width) {
    each_row(rows, width, [=](size_t row) {
        const float *arrived = grad + row, *weights = out + row;
        float* to = by_x + row;
        const float total = sum_of(
            width, [=](size_t i, size_t count) { return load(arrived + i, count) * load(weights + i, count); });
        each_vector(width, [=](size_t i, size_t count) {
            const Vector weight = load(weights + i, count);
            store(to + i, weight * load(arrived + i, count) - weight * total, count);
        });
    });
}

void log_softmax_grad(const float* grad, const float* out, float* by_x, size_t rows, size_t width) {
    each_row(rows, width, [=](size_t row) {
        const float *arrived = grad + row, *logs = out + row;
        float* to = by_x + row;
        const float total = sum_of(width, [=](size_t i, size_t count) { return load(arrived + i, count); });
        each_vector(width, [=](size_t i, size_t count) {
            store(to + i, load(arrived + i, count) - exp(load(logs + i, count)) * total, count);
        });
    });
}

}  // namespace

void add_softmax(Kernels& table) {
    table.softmax = softmax;
    table.log_softmax = log_softmax;
    table.softmax_grad = softmax_grad;
    table.log_softmax_grad = log_softmax_grad;
}

}  // namespace ISA

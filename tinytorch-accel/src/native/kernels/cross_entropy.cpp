// Cross-entropy of rows of scores and the number of the right class, softmax included:
//
//   log_sum = max(x) + log(sum(exp(x - max(x)))),   loss = log_sum - x[target]
//   backward:  by_x = grad * (exp(x - log_sum) - (1 at the target))
//
// Forward writes two numbers a row and no probabilities; backward makes them of the log_sum, in one pass.

#include "kernels.h"
#include "pool.h"
#include "rows.h"

namespace ISA {
namespace {

void cross_entropy(const CrossEntropy& job) {
    in_blocks(job.rows, rows_in_block(job.width), [&](size_t begin, size_t end) {
        for (size_t row = begin; row < end; row++) {
            const float *x = job.scores + row * job.width, largest = largest_of(x, job.width);
            const float total =
                sum_of(job.width, [=](size_t i, size_t count) { return exp(load(x + i, count) - largest); });
            const double log_sum = __builtin_log(total) + largest;  // double: rounded once, when it is stored
            job.loss[row] = static_cast<float>(log_sum - x[job.target[row]]);
            job.log_sums[row] = static_cast<float>(log_sum);
        }
    });
}

void cross_entropy_grad(const CrossEntropyGrad& job) {
    in_blocks(job.rows, rows_in_block(job.width), [&](size_t begin, size_t end) {
        for (size_t row = begin; row < end; row++) {
            const float* x = job.scores + row * job.width;
            const float grad = job.grad[static_cast<ptrdiff_t>(row) * job.grad_step], log_sum = job.log_sums[row];
            float* to = job.by_scores + row * job.width;
            each_vector(job.width, [=](size_t i, size_t count) {
                store(to + i, exp(load(x + i, count) - log_sum) * grad, count);
            });
            const size_t target = job.target[row];
            to[target] = (exp(all(x[target] - log_sum))[0] - 1.0f) * grad;
        }
    });
}

}  // namespace

void add_cross_entropy(Kernels& table) {
    table.cross_entropy = cross_entropy;
    table.cross_entropy_grad = cross_entropy_grad;
}

}  // namespace ISA

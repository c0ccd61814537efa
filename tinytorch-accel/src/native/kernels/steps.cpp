// Steps of optimizers: all parameters at once, in place, each number of memory read and written once.
//
// SGD (core/optimizers/steps.py, as in PyTorch), with d = grad + decay * p:
//
//   velocity = momentum * velocity + (1 - dampening) * d, or d in the first step,   p -= lr * velocity
//   nesterov:  p -= lr * (d + momentum * velocity)
//
// Adam (Kingma & Ba 2015, algorithm 1); AdamW takes the decay off p instead of adding it to the gradient
// (Loshchilov & Hutter 2019); amsgrad divides by the largest v so far (Reddi et al. 2018):
//
//   m += (1 - beta1) * (d - m),   v = beta2 * v + (1 - beta2) * d^2
//   p -= lr / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
//
// The caller has cut the parameters into pieces, so that a large one is shared by threads, small ones go together.

#include "kernels.h"
#include "pool.h"
#include "simd.h"

namespace ISA {
namespace {

// The gradient, negated to go up, plus the weight's decay; 0 * inf would be nan, so no decay is no product.
Vector decayed(Vector p, Vector grad, float decay, bool maximize) {
    if (maximize) grad = -grad;
    return decay != 0.0f ? p * decay + grad : grad;
}

Vector larger(Vector a, Vector b) { return select((b > a) | (b != b), b, a); }  // nan wins

void sgd_piece(const SgdStep& job, const Piece& piece) {
    each_vector(piece.size, [&](size_t i, size_t count) {
        const Vector p = load(piece.param + i, count);
        Vector way = decayed(p, load(piece.grad + i, count), job.decay, job.maximize);
        if (piece.first) {
            const Vector velocity =
                job.is_first ? way : load(piece.first + i, count) * job.momentum + way * job.undamped;
            store(piece.first + i, velocity, count);
            way = job.nesterov ? way + velocity * job.momentum : velocity;
        }
        store(piece.param + i, p - way * job.lr, count);
    });
}

void adam_piece(const AdamStep& job, const Piece& piece) {
    each_vector(piece.size, [&](size_t i, size_t count) {
        const Vector p = load(piece.param + i, count) * job.kept;
        const Vector grad = decayed(p, load(piece.grad + i, count), job.decay, job.maximize);
        Vector mean = load(piece.first + i, count);
        mean = mean + (grad - mean) * job.mean_share;
        const Vector square = load(piece.second + i, count) * job.square_kept + grad * grad * job.square_share;
        store(piece.first + i, mean, count);
        store(piece.second + i, square, count);
        Vector most = square;
        if (piece.third) {
            most = larger(load(piece.third + i, count), square);
            store(piece.third + i, most, count);
        }
        store(piece.param + i, p - mean / (root(most) / job.square_root + job.eps) * job.rate, count);
    });
}

void sgd_step(const SgdStep& job) {
    in_blocks(job.count, job.together, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; i++) sgd_piece(job, job.pieces[i]);
    });
}

void adam_step(const AdamStep& job) {
    in_blocks(job.count, job.together, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; i++) adam_piece(job, job.pieces[i]);
    });
}

}  // namespace

void add_steps(Kernels& table) {
    table.sgd_step = sgd_step;
    table.adam_step = adam_step;
}

}  // namespace ISA

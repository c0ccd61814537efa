// ReLU (Nair & Hinton 2010): x where it is positive, 0 elsewhere; backward, grad where the output is not 0.
//
// nan is neither: it stays nan, and lets its gradient through. Both do nothing but read and write, so threads and memory
// that is used again are all there is to gain.

#include "kernels.h"
#include "pool.h"
#include "simd.h"

namespace ISA {
namespace {

constexpr size_t BLOCK = 32768;  // numbers that are worth handing to another thread

void relu(const float* x, float* out, size_t size) {
    in_blocks(size, BLOCK, [=](size_t begin, size_t end) {
        each_vector(end - begin, [=](size_t i, size_t count) {
            const Vector number = load(x + begin + i, count);
            store(out + begin + i, select(number <= 0.0f, Vector{}, number), count);
        });
    });
}

void relu_grad(const float* grad, const float* x, float* out, size_t size) {
    in_blocks(size, BLOCK, [=](size_t begin, size_t end) {
        each_vector(end - begin, [=](size_t i, size_t count) {
            const Ints none = load(x + begin + i, count) <= 0.0f;
            store(out + begin + i, select(none, Vector{}, load(grad + begin + i, count)), count);
        });
    });
}

}  // namespace

void add_relu(Kernels& table) {
    table.relu = relu;
    table.relu_grad = relu_grad;
}

}  // namespace ISA

// ReLU (Nair & Hinton 2010): x where it is positive, 0 elsewhere; backward, grad where the output is not 0.
//
// nan is neither: it stays nan, and lets its gradient through. Both do nothing but read and write, so threads and memory
// that is used again are all there is to gain.

#include "elementwise.h"

namespace ISA {
namespace {

Vector positive(Vector x) { return select(x <= 0.0f, Vector{}, x); }
Vector where_positive(Vector grad, Vector out) { return select(out <= 0.0f, Vector{}, grad); }

}  // namespace

void add_relu(Kernels& table) {
    table.relu = single<positive>;
    table.relu_grad = twice<where_positive>;
}

}  // namespace ISA

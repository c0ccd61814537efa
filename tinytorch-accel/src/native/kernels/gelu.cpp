// GELU (Hendrycks & Gimpel 2016): x * Phi(x), where Phi(x) is the share of the normal distribution below x.
//
//   exact:  Phi(x) = (1 + erf(x / sqrt(2))) / 2
//   tanh:   Phi(x) = (1 + tanh(u)) / 2 = 1 / (1 + exp(-2 u)),  u = sqrt(2 / pi) * (x + 0.044715 * x^3)     (equation 2)
//
// Forward gives the share, too, so that backward can do without erf:
//
//   exact:  out' = Phi + x * exp(-x^2 / 2) / sqrt(2 pi)
//   tanh:   out' = s * (1 + (1 - s) * x * 2 u'),  2 u' = 2 sqrt(2 / pi) * (1 + 3 * 0.044715 * x^2),  s = Phi
//
// In the second, 1 - s is what rounding has left of it where s is near 1, three times PyTorch's error in all. So s and
// 1 - s are computed again, both of t = exp(-|2 u|): 1 / (1 + t) and t / (1 + t), neither by subtraction.
//
// The arithmetic goes in the core's order (core/activations/functions.py), so that inf and nan come where they come
// there. What is gained: one pass through memory instead of five to nine, and every number of it computed W at a time.

#include "kernels.h"
#include "pool.h"
#include "simd.h"

namespace ISA {
namespace {

constexpr float SQRT_HALF = 0.70710678118654752f;
constexpr float DENSITY = 0.39894228040143268f;  // 1 / sqrt(2 pi): the normal density at 0
constexpr float ROOT = 0.79788456080286536f;     // sqrt(2 / pi)
constexpr float CUBIC = 0.044715f;
constexpr float FAR = 1e4f;  // squared: there Phi is 0 or 1, and infinity times 0 would be nan

constexpr size_t BLOCK = 8192;  // numbers: 32 KiB an array

Vector normal(Vector x) { return (erf(x * SQRT_HALF) + 1.0f) * 0.5f; }

Vector twice_inner(Vector x) { return (x * x * (2.0f * CUBIC * ROOT) + 2.0f * ROOT) * x; }  // 2 u

Vector nearly_normal(Vector x) { return 1.0f / (exp(-twice_inner(x)) + 1.0f); }

// Both functions are handed the share, since one needs it.
Vector slope(Vector x, Vector share) { return exp(x * x * -0.5f) * DENSITY * x + share; }

Vector near_slope(Vector x, Vector) {
    const Vector decay = exp(-absolute(twice_inner(x)));
    const Vector larger = 1.0f / (decay + 1.0f), smaller = decay * larger;
    const Vector share = select(x < 0.0f, smaller, larger), rest = select(x < 0.0f, larger, smaller);
    const Vector growth = no_more_than(x * x, FAR) * (6.0f * CUBIC * ROOT) + 2.0f * ROOT;  // 2 u'
    return (growth * x * rest + 1.0f) * share;
}

template <Vector share_of(Vector)> void gelu(const float* x, float* out, float* share, size_t size) {
    in_blocks(size, BLOCK, [=](size_t begin, size_t end) {
        each_vector(end - begin, [=](size_t i, size_t count) {
            i += begin;
            const Vector number = load(x + i, count);
            const Vector part = share_of(number);
            store(share + i, part, count);
            store(out + i, number * part, count);
        });
    });
}

template <Vector slope_of(Vector, Vector)>
void gelu_grad(const float* grad, const float* x, const float* share, float* out, size_t size) {
    in_blocks(size, BLOCK, [=](size_t begin, size_t end) {
        each_vector(end - begin, [=](size_t i, size_t count) {
            i += begin;
            store(out + i, slope_of(load(x + i, count), load(share + i, count)) * load(grad + i, count), count);
        });
    });
}

}  // namespace

void add_gelu(Kernels& table) {
    table.gelu = gelu<normal>;
    table.gelu_tanh = gelu<nearly_normal>;
    table.gelu_grad = gelu_grad<slope>;
    table.gelu_tanh_grad = gelu_grad<near_slope>;
}

}  // namespace ISA

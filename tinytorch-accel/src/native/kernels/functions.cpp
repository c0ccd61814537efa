// Functions, element by element: exp, log, tanh; the sigmoid s = 1 / (1 + exp(-x)), and what is made of it:
//
//   silu(x) = x * s (Elfwing, Uchibe & Doya 2018),   silu' = s * (1 + x * (1 - s)),   softplus(x) = log(1 + exp(b x)) / b
//
// In the core's order (core/activations/functions.py), so that inf and nan come where they come there: where exp
// overflows, s is 0. One pass through memory instead of up to nine.

#include "elementwise.h"

namespace ISA {
namespace {

// The natural logarithm; -inf at 0, nan below. Cephes' logf (Moshier 1989): x = m * 2^n with m between sqrt(1/2) and
// sqrt(2), so log x = n log 2 + log m, the latter a polynomial in m - 1. A subnormal number is made a normal one first.
Vector log(Vector x) {
    static constexpr float CURVE[] = {7.0376836292e-2f,  -1.1514610310e-1f, 1.1676998740e-1f,
                                      -1.2420140846e-1f, 1.4249322787e-1f,  -1.6668057665e-1f,
                                      2.0000714765e-1f,  -2.4999993993e-1f, 3.3333331174e-1f};
    constexpr int32_t SQRT_HALF = 0x3f3504f3, FRACTION = 0x7fffff;  // as bits
    const Ints subnormal = x < 1.17549435e-38f;
    const Ints own = bits(select(subnormal, x * 8388608.0f, x)) - SQRT_HALF;
    const Ints power = (own >> 23) - (subnormal & 23);
    const Vector m = as_floats((own & FRACTION) + SQRT_HALF) - 1.0f, n = __builtin_convertvector(power, Vector);
    const Vector squared = m * m;
    const Vector tail = polynomial(m, CURVE) * m * squared + n * -2.12194440e-4f - squared * 0.5f;
    const Vector out = (m + tail) + n * 0.693359375f;
    const Vector ended = select(x == 0.0f, all(-__builtin_inff()), all(__builtin_nanf("")));
    return select(x > 0.0f, select(x == __builtin_inff(), x, out), ended);
}

// log(1 + x) for x from 0 to 1: what 1 + x has lost by rounding is added afterwards.
Vector log_of_one_and(Vector x) {
    const Vector whole = x + 1.0f;
    return log(whole) + (x - (whole - 1.0f)) / whole;
}

// Cephes' tanhf: an odd polynomial near 0, where the other form loses its digits.
Vector tanh(Vector x) {
    static constexpr float ODD[] = {-5.70498872745e-3f, 2.06390887954e-2f, -5.37397155531e-2f, 1.33314422036e-1f,
                                    -3.33332819422e-1f};
    const Vector size = absolute(x), squared = x * x;
    const Vector far = 1.0f - 2.0f / (exp(size + size) + 1.0f);
    const Vector near = polynomial(squared, ODD) * squared * x + x;
    return select(size < 0.625f, near, select(x < 0.0f, -far, far));
}

Vector exponential(Vector x) { return exp(x); }
Vector sigmoid(Vector x) { return 1.0f / (exp(-x) + 1.0f); }
Vector silu(Vector x) { return x * sigmoid(x); }

Vector silu_slope(Vector grad, Vector x) {
    const Vector share = sigmoid(x);
    return ((1.0f - share) * x + 1.0f) * share * grad;
}

void softplus(const float* x, float beta, float threshold, float* out, size_t size) {
    in_blocks(size, HEAVY, [=](size_t begin, size_t end) {
        each_vector(end - begin, [=](size_t i, size_t count) {
            const Vector number = load(x + begin + i, count), scaled = number * beta;
            const Vector curve = (log_of_one_and(exp(-absolute(scaled))) + no_less_than(scaled, 0.0f)) / beta;
            store(out + begin + i, select(scaled > threshold, number, curve), count);
        });
    });
}

}  // namespace

void add_functions(Kernels& table) {
    table.exp = single<exponential, HEAVY>;
    table.log = single<log, HEAVY>;
    table.tanh = single<tanh, HEAVY>;
    table.sigmoid = single<sigmoid, HEAVY>;
    table.silu = single<silu, HEAVY>;
    table.silu_grad = twice<silu_slope, HEAVY>;
    table.softplus = softplus;
}

}  // namespace ISA

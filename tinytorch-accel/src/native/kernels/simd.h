// Vectors of float32, as wide as the instruction set that this is compiled for, and the functions that numpy has too.
//
// A Vector is GCC's own (clang has it too): + - * / and comparisons work on all its numbers at once, and the compiler
// chooses the instructions. A comparison gives a mask, for `select`. Everything is in the namespace ISA, which is
// another one for each set: two functions of one name would else become one, and the processor that lacks AVX meet it.
// For the same reason no kernel uses functions of the standard library.
//
// `each_vector(size, step)` goes through an array: it calls step(i, count) for i = 0, W, 2 W, ...; count is W, or what
// is left at the end. `load` and `store` take the count and touch no memory beyond it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace ISA {

using std::size_t;

#if defined(__AVX512F__)
constexpr size_t W = 16;
#elif defined(__AVX2__)
constexpr size_t W = 8;
#else
constexpr size_t W = 4;
#endif

inline size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
inline size_t larger(size_t a, size_t b) { return a < b ? b : a; }
inline size_t divided_up(size_t size, size_t by) { return (size + by - 1) / by; }
inline size_t up_to_multiple(size_t size, size_t of) { return divided_up(size, of) * of; }
// A block no smaller than `least`, if there are as many, so that all are about as large.
inline size_t evenly(size_t count, size_t least) { return divided_up(count, larger(count / least, 1)); }

typedef float Vector __attribute__((vector_size(4 * W)));
typedef int32_t Ints __attribute__((vector_size(4 * W)));  // also what comparisons give: -1 where true, 0 elsewhere

inline Vector all(float x) { return x - Vector{}; }  // minus, which keeps -0

// 0, 1, 2, ...
inline Ints places() {
    Ints out;
    for (size_t i = 0; i < W; i++) out[i] = static_cast<int32_t>(i);
    return out;
}

// The instructions that leave lanes out are used only where no sanitizer wants to see what is read and written.
#if defined(__AVX2__) && !defined(__AVX512F__) && !defined(__SANITIZE_ADDRESS__) && defined(__GNUC__) && !defined(__clang__)
inline Vector load_first(const float* from, size_t count) {
    return __builtin_ia32_maskloadps256(reinterpret_cast<const Vector*>(from), places() < static_cast<int32_t>(count));
}
inline void store_first(float* to, Vector x, size_t count) {
    __builtin_ia32_maskstoreps256(reinterpret_cast<Vector*>(to), places() < static_cast<int32_t>(count), x);
}
#else
inline Vector load_first(const float* from, size_t count) {
    Vector out{};
    __builtin_memcpy(&out, from, count * sizeof *from);
    return out;
}
inline void store_first(float* to, Vector x, size_t count) { __builtin_memcpy(to, &x, count * sizeof *to); }
#endif

inline Vector load(const float* from, size_t count) {
    if (count != W) return load_first(from, count);  // 0 in the rest
    Vector out;
    __builtin_memcpy(&out, from, sizeof out);
    return out;
}

inline void store(float* to, Vector x, size_t count) {
    if (count != W) return store_first(to, x, count);
    __builtin_memcpy(to, &x, sizeof x);
}

// Past the caches, for outputs that are larger than they: nothing is read to be overwritten. `to` is aligned.
inline void stream(float* to, Vector x) {
#if defined(__AVX512F__)
    __builtin_ia32_movntps512(to, x);
#elif defined(__AVX2__)
    __builtin_ia32_movntps256(to, x);
#elif defined(__SSE2__)
    __builtin_ia32_movntps(to, x);
#else
    store(to, x, W);
#endif
}

inline void streamed() {  // before anyone else may read
#if defined(__SSE2__)
    __builtin_ia32_sfence();
#endif
}

inline Vector select(Ints mask, Vector yes, Vector no) { return mask ? yes : no; }

inline Vector larger(Vector a, Vector b) { return select(b > a, b, a); }  // of two of which b may be nan, a

inline Ints bits(Vector x) { return reinterpret_cast<Ints>(x); }
inline Vector as_floats(Ints x) { return reinterpret_cast<Vector>(x); }

inline Vector absolute(Vector x) { return as_floats(bits(x) & 0x7fffffff); }
inline Vector root(Vector x) {
    for (size_t i = 0; i < W; i++) x[i] = __builtin_sqrtf(x[i]);  // the compiler makes one instruction of it
    return x;
}

inline Vector no_more_than(Vector x, float most) { return select(x > most, all(most), x); }  // nan stays
inline Vector no_less_than(Vector x, float least) { return select(x < least, all(least), x); }

// The first `count` numbers, 0 in the rest: for sums.
inline Vector first(Vector x, size_t count) {
    if (count == W) return x;
    return select(places() < static_cast<int32_t>(count), x, Vector{});
}

// By halves, as a tree: the rounding grows with the logarithm.
inline float sum(Vector x) {
    for (size_t half = W / 2; half; half /= 2)
        for (size_t i = 0; i < half; i++) x[i] += x[i + half];
    return x[0];
}

template <class Step> [[gnu::flatten]] inline void each_vector(size_t size, Step step) {
    size_t i = 0;
    for (; i + W <= size; i += W) step(i, W);
    if (i < size) step(i, size - i);
}

// step(0), step(1), ... step(COUNT - 1), written out: an array of vectors whose places are all known when it is compiled
// stays in registers.
template <size_t COUNT, class Step> inline void unrolled(Step step) {
    [&]<size_t... I>(std::index_sequence<I...>) { (step(I), ...); }(std::make_index_sequence<COUNT>());
}

// A product as rounded as if it were stored: it does not become one instruction with the sum that it is used in.
inline Vector rounded(Vector x) { return __builtin_assoc_barrier(x); }

// Horner's scheme, the highest power first.
template <size_t N> inline Vector polynomial(Vector x, const float (&coefficients)[N]) {
    Vector out = all(coefficients[0]);
    for (size_t i = 1; i < N; i++) out = out * x + coefficients[i];
    return out;
}

// e to the x; too large is inf, too small 0, right for subnormal results. Wrong by 1.6 units in the last place at most.
//
// x = n log 2 + r with |r| <= log(2) / 2, so e^x = 2^n e^r. The polynomial, and log 2 in two parts so that n log 2 is
// subtracted without rounding, are those of Cephes' expf (Moshier 1989). n is found by adding 1.5 * 2^23, which rounds
// to a whole number that can be read from the low bits; 2^n is multiplied in two halves, since it may not be a float.
inline Vector exp(Vector x) {
    static constexpr float TAIL[] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                                     4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
    constexpr float TO_WHOLE = 12582912.0f, LOG2_E = 1.44269504088896341f;
    x = no_less_than(no_more_than(x, 89.0f), -110.0f);  // there it is inf and 0
    const Vector shifted = x * LOG2_E + TO_WHOLE;
    const Vector whole = shifted - TO_WHOLE;
    const Ints power = bits(shifted) - bits(all(TO_WHOLE));
    const Vector r = x - whole * 0.693359375f - whole * -2.12194440e-4f;
    const Vector curve = polynomial(r, TAIL) * r * r + r + 1.0f;
    const Ints half = power >> 1, rest = power - half;
    return curve * as_floats((half + 127) << 23) * as_floats((rest + 127) << 23);
}

// The error function: the odd rational function of Eigen (generic_fast_erf_float), right to 4 units in the last place.
// Beyond 4 it is 1 in float32, here to the bit.
inline Vector erf(Vector x) {
    static constexpr float ODD[] = {-2.72614225801306e-10f, 2.77068142495902e-08f,  -2.10102402082508e-06f,
                                    -5.69250639462346e-05f, -7.34990630326855e-04f, -2.95459980854025e-03f,
                                    -1.60960333262415e-02f};
    static constexpr float EVEN[] = {-1.45660718464996e-05f, -2.13374055278905e-04f, -1.68282697438203e-03f,
                                     -7.37332916720468e-03f, -1.42647390514189e-02f};
    x = no_less_than(no_more_than(x, 4.0f), -4.0f);
    const Vector squared = x * x;
    const Vector out = x * polynomial(squared, ODD) / polynomial(squared, EVEN);
    return no_less_than(no_more_than(out, 1.0f), -1.0f);
}

}  // namespace ISA

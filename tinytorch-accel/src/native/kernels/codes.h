// Vectors of whole numbers: products of int8 codes summed in int32, and sums made codes again.
//
// Codes are widened to int16. One instruction multiplies two neighbours with two others and adds both products: W sums
// get two terms each, which is twice what a multiplication of floats gives.

#pragma once

#include "simd.h"

namespace ISA {

typedef int16_t Shorts __attribute__((vector_size(4 * W)));  // 2 W of them: W pairs
typedef int8_t Codes __attribute__((vector_size(W)));

template <class Many, class Number> inline Many load_many(const Number* from, size_t count = sizeof(Many) / sizeof(Number)) {
    Many out{};
    if (count == sizeof(Many) / sizeof(Number)) __builtin_memcpy(&out, from, sizeof out);
    else __builtin_memcpy(&out, from, count * sizeof *from);
    return out;
}

[[gnu::noinline]] inline void store_first(int8_t* to, Codes x, size_t count) { __builtin_memcpy(to, &x, count); }

inline void store(int8_t* to, Codes x, size_t count) {
    if (count != W) return store_first(to, x, count);
    __builtin_memcpy(to, &x, sizeof x);
}

// a[0] b[0] + a[1] b[1], a[2] b[2] + a[3] b[3], ...
inline Ints pairs_multiplied(Shorts a, Shorts b) {
#if defined(__AVX512BW__)
    return reinterpret_cast<Ints>(__builtin_ia32_pmaddwd512_mask(a, b, Ints{}, 0xffff));
#elif defined(__AVX2__)
    return reinterpret_cast<Ints>(__builtin_ia32_pmaddwd256(a, b));
#elif defined(__SSE2__)
    return reinterpret_cast<Ints>(__builtin_ia32_pmaddwd128(a, b));
#else
    Ints out;
    for (size_t i = 0; i < W; i++) out[i] = a[2 * i] * b[2 * i] + a[2 * i + 1] * b[2 * i + 1];
    return out;
#endif
}

// (x y + 2^30) / 2^31, halves upwards. The products have 64 bits: those of even lanes, then those of odd ones.
inline Ints high_multiplied(Ints x, Ints y) {
#if defined(__AVX2__)
    typedef unsigned long long Bits __attribute__((vector_size(4 * W)));
    const auto lanes = [](Ints a, Ints b) {
#if defined(__AVX512F__)
        typedef long long Longs __attribute__((vector_size(4 * W)));
        return reinterpret_cast<Bits>(__builtin_ia32_pmuldq512_mask(a, b, Longs{}, 0xff)) + (1u << 30);
#else
        return reinterpret_cast<Bits>(__builtin_ia32_pmuldq256(a, b)) + (1u << 30);
#endif
    };
    const auto odd = [](Ints a) { return reinterpret_cast<Ints>(reinterpret_cast<Bits>(a) >> 32); };
    const Ints low = reinterpret_cast<Ints>(lanes(x, y) >> 31), high = reinterpret_cast<Ints>(lanes(odd(x), odd(y)) << 1);
    return places() % 2 == 0 ? low : high;
#else
    Ints out;
    for (size_t i = 0; i < W; i++) out[i] = static_cast<int32_t>((int64_t{x[i]} * y[i] + (1 << 30)) >> 31);
    return out;
#endif
}

// Division by 2^shift, halves away from zero; no shift is below 0.
struct Halving {
    explicit Halving(Ints shift) : shift(shift), mask((1 << shift) - 1), half(mask >> 1) {}
    Ints of(Ints x) const { return (x >> shift) - ((x & mask) > half - (x < 0)); }  // a comparison is -1 where it holds
    Ints shift, mask, half;
};

// Numbers that codes can hold. Compilers make poor code of the conversion, and of that back.
inline Codes narrowed(Ints x) {
#if defined(__AVX512F__)
    typedef char Bytes __attribute__((vector_size(W)));
    return reinterpret_cast<Codes>(__builtin_ia32_pmovdb512_mask(x, Bytes{}, 0xffff));
#elif defined(__SSE2__)
    typedef int Four __attribute__((vector_size(16)));
#if defined(__AVX2__)
    const Four low = __builtin_shufflevector(x, x, 0, 1, 2, 3), high = __builtin_shufflevector(x, x, 4, 5, 6, 7);
#else
    const Four low = x, high = x;
#endif
    const auto shorts = __builtin_ia32_packssdw128(low, high);
    const auto codes = __builtin_ia32_packsswb128(shorts, shorts);
    Codes out;
    __builtin_memcpy(&out, &codes, sizeof out);
    return out;
#else
    return __builtin_convertvector(x, Codes);
#endif
}

template <class Many, class Number> inline Many load_widened(const int8_t* from, size_t count) {
    constexpr size_t SIZE = sizeof(Many) / sizeof(Number);
    Number out[SIZE];
    if (count >= SIZE) {
        for (size_t i = 0; i < SIZE; i++) out[i] = from[i];
    } else {
        for (size_t i = 0; i < SIZE; i++) out[i] = i < count ? from[i] : 0;
    }
    return load_many<Many>(out);
}

inline Ints load_codes(const int8_t* from, size_t count = W) { return load_widened<Ints, int32_t>(from, count); }
inline Shorts load_pairs(const int8_t* from, size_t count) { return load_widened<Shorts, int16_t>(from, count); }

// What limits sums to codes; vectors, so that nothing is looked up between stores.
struct Limits {
    Limits(int32_t zero_point, int32_t low, int32_t high) : zero_point(Ints{} + zero_point), low(Ints{} + low), high(Ints{} + high) {}
    Codes codes(Ints x) const {
        x += zero_point;
        x = x < low ? low : x;
        return narrowed(x > high ? high : x);
    }
    Ints zero_point, low, high;
};

}  // namespace ISA

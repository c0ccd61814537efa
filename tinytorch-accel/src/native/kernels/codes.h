// Vectors of whole numbers: products of int8 codes summed in int32, and sums made codes again.
//
// Codes are widened to int16. One instruction multiplies two neighbours with two others and adds both products: W sums
// get two terms each, which is twice what a multiplication of floats gives.

#pragma once

#include "simd.h"

namespace ISA {

typedef int16_t Shorts __attribute__((vector_size(4 * W)));  // 2 W of them: W pairs
typedef int8_t Codes __attribute__((vector_size(W)));
typedef int8_t ManyCodes __attribute__((vector_size(2 * W)));

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

// sums[0] + a[0] b[0] + a[1] b[1], sums[1] + a[2] b[2] + a[3] b[3], ...
inline Ints with_pairs(Ints sums, Shorts a, Shorts b) {
#if defined(__AVX512VNNI__)
    return reinterpret_cast<Ints>(__builtin_ia32_vpdpwssd_v16si(sums, reinterpret_cast<Ints>(a), reinterpret_cast<Ints>(b)));
#elif defined(__AVX512BW__)
    return sums + reinterpret_cast<Ints>(__builtin_ia32_pmaddwd512_mask(a, b, Ints{}, 0xffff));
#elif defined(__AVX2__)
    return sums + reinterpret_cast<Ints>(__builtin_ia32_pmaddwd256(a, b));
#elif defined(__SSE2__)
    return sums + reinterpret_cast<Ints>(__builtin_ia32_pmaddwd128(a, b));
#else
    for (size_t i = 0; i < W; i++) sums[i] += a[2 * i] * b[2 * i] + a[2 * i + 1] * b[2 * i + 1];
    return sums;
#endif
}

// x times mantissa * 2^(shift - 31), rounded twice: the product by 2^31 is rounded with halves upwards, and that by
// 2^-shift with halves away from zero. No shift is above 0, and who calls sees to it that no sum leaves int32.
class Multiplier {
  public:
    Multiplier(Ints mantissa, Ints shift)
        : mantissa(mantissa), odd_mantissas(odd(mantissa)), right(-shift), moves(right > 0), half((1 << (right + moves)) & moves) {}
    Ints of(Ints x) const {
        x = high(x);
        return (x + (x >> 31 & moves) + half) >> right;
    }

  private:
    // The products have 64 bits: those of even lanes, and those of odd ones.
    Ints high(Ints x) const {
#if defined(__AVX2__)
        const Ints low = reinterpret_cast<Ints>(products(x, mantissa) >> 31);
        return places() % 2 == 0 ? low : reinterpret_cast<Ints>(products(odd(x), odd_mantissas) << 1);
#else
        for (size_t i = 0; i < W; i++) x[i] = static_cast<int32_t>((int64_t{x[i]} * mantissa[i] + (1 << 30)) >> 31);
        return x;
#endif
    }
    typedef unsigned long long Bits __attribute__((vector_size(4 * W)));
    static Ints odd(Ints x) { return reinterpret_cast<Ints>(reinterpret_cast<Bits>(x) >> 32); }
#if defined(__AVX512F__)
    static Bits products(Ints a, Ints b) {
        typedef long long Longs __attribute__((vector_size(4 * W)));
        return reinterpret_cast<Bits>(__builtin_ia32_pmuldq512_mask(a, b, Longs{}, 0xff)) + (1u << 30);
    }
#elif defined(__AVX2__)
    static Bits products(Ints a, Ints b) { return reinterpret_cast<Bits>(__builtin_ia32_pmuldq256(a, b)) + (1u << 30); }
#endif
    Ints mantissa, odd_mantissas, right, moves, half;  // moves: -1 where the shift is one
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

// As many codes as there is room for, or `count` of them and zeros. The compiler makes better code of this loop than of
// a conversion, for vectors of pairs it is the other way round.
inline Ints load_codes(const int8_t* from, size_t count = W) {
    int32_t out[W];
    if (count >= W) {
        for (size_t i = 0; i < W; i++) out[i] = from[i];
    } else {
        for (size_t i = 0; i < W; i++) out[i] = i < count ? from[i] : 0;
    }
    return load_many<Ints>(out);
}
inline Shorts load_pairs(const int8_t* from, size_t count) {
    return __builtin_convertvector(load_many<ManyCodes>(from, smaller(count, 2 * W)), Shorts);
}

// A zero point is added, and the codes kept between two limits; vectors, so that nothing is looked up between stores.
class Limits {
  public:
    Limits(int32_t zero_point, int32_t low, int32_t high) : zero_point(zero_point), low(low), high(high) {}
    void put(Ints x, int8_t* to, size_t count) const {
        x += zero_point;
        x = x < low ? Ints{} + low : x;
        store(to, narrowed(x > high ? Ints{} + high : x), count);
    }
    void put_two(Ints first, Ints second, int8_t* to) const {
#if defined(__AVX2__) && !defined(__AVX512F__)
        typedef short Wide __attribute__((vector_size(32)));  // saturated: what is beyond is beyond the limits, too
        typedef char Bytes __attribute__((vector_size(16)));
        const Wide moved = __builtin_ia32_paddsw256(__builtin_ia32_packssdw256(first, second), Wide{} + static_cast<short>(zero_point));
        const Ints mixed = reinterpret_cast<Ints>(__builtin_ia32_packsswb256(moved, moved));
        const auto codes = reinterpret_cast<Bytes>(__builtin_shufflevector(mixed, mixed, 0, 4, 1, 5));
        const Bytes limited = __builtin_ia32_pminsb128(
            __builtin_ia32_pmaxsb128(codes, Bytes{} + static_cast<char>(low)), Bytes{} + static_cast<char>(high));
        __builtin_memcpy(to, &limited, sizeof limited);
#else
        put(first, to, W);
        put(second, to + W, W);
#endif
    }

  private:
    int32_t zero_point, low, high;
};

}  // namespace ISA

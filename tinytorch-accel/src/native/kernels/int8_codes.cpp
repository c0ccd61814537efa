// Codes number by number: from floats and back, two added; the mean of an image's pixels; probabilities.
//
// In the way of TFLite, as tinytorch-quant's ops have it.

#include "codes.h"
#include "kernels.h"
#include "pool.h"

namespace ISA {
namespace {

constexpr size_t LIGHT = 65536;

// x / scale, halves to even: adding 1.5 * 2^23 rounds to a whole number, of what is limited before.
void quantize(const float* x, int8_t* out, size_t size, float inverse, int32_t zero_point) {
    constexpr float TO_WHOLE = 12582912.0f, MOST = 1024.0f;
    const Limits limits(zero_point, -128, 127);
    in_blocks(size, LIGHT, [=](size_t begin, size_t end) {
        each_vector(end - begin, [=](size_t i, size_t count) {
            const Vector scaled = rounded(load(x + begin + i, count) * inverse);
            const Vector limited = no_more_than(no_less_than(scaled, -MOST), MOST);
            const Ints whole = bits(limited + TO_WHOLE) - bits(all(TO_WHOLE));
            const Ints codes = scaled == scaled ? whole : Ints{} - 2 * static_cast<int32_t>(MOST);  // nan: the least code
            limits.put(codes, out + begin + i, count);
        });
    });
}

void dequantize(const int8_t* x, float* out, size_t size, float scale, float zero_point) {
    in_blocks(size, LIGHT, [=](size_t begin, size_t end) {
        each_vector(end - begin, [=](size_t i, size_t count) {
            const Vector numbers = __builtin_convertvector(load_codes(x + begin + i, count), Vector);
            store(out + begin + i, (numbers - zero_point) * scale, count);
        });
    });
}

// (code - zero point) * 2^20, multiplied.
struct Counting {
    explicit Counting(const Int8Unit& unit)
        : zero_point(unit.zero_point), multiplier(Ints{} + unit.mantissa, Ints{} + unit.shift) {}
    Ints of(Ints codes) const { return multiplier.of((codes - zero_point) << 20); }
    int32_t zero_point;
    Multiplier multiplier;
};

void add(const Int8Add& job) {
    const Counting a(job.a_unit), b(job.b_unit);
    const Multiplier multiplier(Ints{} + job.mantissa, Ints{} + job.shift);
    const Limits limits(job.zero_point, job.low, job.high);
    in_blocks(job.size, LIGHT / 2, [&](size_t begin, size_t end) {
        each_vector(end - begin, [&](size_t i, size_t count) {
            const Ints sums = a.of(load_codes(job.a + begin + i, count)) + b.of(load_codes(job.b + begin + i, count));
            limits.put(multiplier.of(sums), job.out + begin + i, count);
        });
    });
}

// (batch, pixels, channels) -> (batch, channels), halves away from zero.
void mean_of_pixels(const Int8Mean& job) {
    const int32_t pixels = static_cast<int32_t>(job.pixels);
    const Limits limits(0, job.low, job.high);
    in_blocks(job.batch, LIGHT / (job.pixels * job.channels) + 1, [&](size_t begin, size_t end) {
        for (size_t image = begin; image < end; image++)
            each_vector(job.channels, [&](size_t channel, size_t count) {
                const int8_t* x = job.x + image * job.pixels * job.channels + channel;
                Ints sums{};
                for (size_t i = 0; i < job.pixels; i++)
                    sums += load_codes(x + i * job.channels, count);
                for (size_t k = 0; k < W; k++) sums[k] = (sums[k] + (sums[k] < 0 ? -pixels : pixels) / 2) / pixels;
                limits.put(sums, job.out + image * job.channels + channel, count);
            });
    });
}

// Fixed point, in units of 2^-31: products with halves upwards, division by a power of 2 with halves away from zero.
int64_t product(int64_t a, int64_t b) { return (a * b + (1 << 30)) >> 31; }
int64_t halved(int64_t x, int times) { return (x + (x >> 63) + (int64_t{1} << (times - 1))) >> times; }
int64_t saturated(int64_t x) { return x < INT32_MIN ? INT32_MIN : x > INT32_MAX ? INT32_MAX : x; }

// 1 / (1 + a) for a in [0, 1), by three of Newton's steps from 48/17 - 32/17 (1 + a) / 2; 2 bits before the point.
int64_t one_over_one_plus(int64_t a) {
    constexpr int64_t ONE = int64_t{1} << 31, FIRST = 1515870810, SLOPE = -1010580540;
    const int64_t half = (a + ONE) >> 1;
    int64_t x = FIRST + product(half, SLOPE);
    for (int step = 0; step < 3; step++) x += saturated(product(x, (ONE >> 2) - product(half, x)) * 4);
    return saturated(x * 2);
}

// Rows of scores as tinytorch-quant's softmax.py has it: table[i] is the weight of what is i codes below the largest.
void softmax(const int8_t* x, const int32_t* table, int8_t* out, size_t rows, size_t width) {
    constexpr int SUM_BITS = 12;
    in_blocks(rows, LIGHT / 4 / width + 1, [=](size_t begin, size_t end) {
        for (size_t row = begin; row < end; row++) {
            const int8_t* scores = x + row * width;
            int8_t* codes = out + row * width;
            int largest = -128;
            for (size_t i = 0; i < width; i++) largest = scores[i] > largest ? scores[i] : largest;
            int64_t total = 0;
            for (size_t i = 0; i < width; i++) total += halved(table[largest - scores[i]], SUM_BITS);
            total = saturated(total);
            const int size = 64 - __builtin_clzll(static_cast<unsigned long long>(total));  // bits that it takes
            const int64_t inverse = one_over_one_plus((total << (32 - size)) - (int64_t{1} << 31));
            for (size_t i = 0; i < width; i++) {
                const int64_t code = halved(product(inverse, table[largest - scores[i]]), SUM_BITS - 9 + size) - 128;
                codes[i] = static_cast<int8_t>(code < 127 ? code : 127);
            }
        }
    });
}

}  // namespace

void add_int8_codes(Kernels& table) {
    table.int8_quantize = quantize;
    table.int8_dequantize = dequantize;
    table.int8_add = add;
    table.int8_mean = mean_of_pixels;
    table.int8_softmax = softmax;
}

}  // namespace ISA

// Codes number by number: from floats and back, two added; the mean of an image's pixels; probabilities.
//
// In the way of TFLite, as tinytorch-quant's ops have it. The tables of an addition say what each code counts in a unit
// that both inputs share.

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

void add(const Int8Add& job) {
    const Multiplier multiplier(Ints{} + job.mantissa, Ints{} + job.shift);
    const Limits limits(job.zero_point, job.low, job.high);
    in_blocks(job.size, LIGHT / 4, [&](size_t begin, size_t end) {
        each_vector(end - begin, [&](size_t i, size_t count) {
            Ints sums{};
            for (size_t k = 0; k < count; k++)
                sums[k] = job.a_table[job.a[begin + i + k] + 128] + job.b_table[job.b[begin + i + k] + 128];
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

// Rows of scores: table[i] is the weight of what is i codes below the largest. Sums go from the first to the last.
void softmax(const int8_t* x, const float* table, int8_t* out, size_t rows, size_t width) {
    in_blocks(rows, LIGHT / 4 / width + 1, [=](size_t begin, size_t end) {
        for (size_t row = begin; row < end; row++) {
            const int8_t* scores = x + row * width;
            int8_t* codes = out + row * width;
            int largest = -128;
            for (size_t i = 0; i < width; i++) largest = scores[i] > largest ? scores[i] : largest;
            float total = 0.0f;
            for (size_t i = 0; i < width; i++) total += table[largest - scores[i]];
            const float inverse = 1.0f / (total * (1.0f / 256.0f));
            for (size_t i = 0; i < width; i++) {
                const float share = __builtin_rintf(table[largest - scores[i]] * inverse) - 128.0f;
                codes[i] = static_cast<int8_t>(share < 127.0f ? share : 127.0f);
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

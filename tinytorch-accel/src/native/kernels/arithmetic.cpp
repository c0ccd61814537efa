// Arithmetic, element by element: out[i] = a[i] + b[i] and its like, each number rounded once as IEEE 754 (5.4.1) says.
//
// numpy's loops are as fast as memory is; what is gained are outputs in memory that was used before, threads, and one
// pass where the core makes two to four. The numbers are the core's bit for bit. Where two operations follow each other
// they must not become one, which rounds once instead of twice: this file is compiled with -ffp-contract=off.

#include "elementwise.h"

namespace ISA {
namespace {

Vector plus(Vector x, Vector y) { return x + y; }
Vector minus(Vector x, Vector y) { return x - y; }
Vector minus_from(Vector x, Vector y) { return y - x; }
Vector times(Vector x, Vector y) { return x * y; }
Vector over(Vector x, Vector y) { return x / y; }
Vector over_from(Vector x, Vector y) { return y / x; }
Vector opposite(Vector x) { return -x; }

Vector tanh_slope(Vector grad, Vector out) { return (1.0f - out * out) * grad; }
Vector sigmoid_slope(Vector grad, Vector out) { return (1.0f - out) * out * grad; }

#if defined(__AVX2__)
typedef unsigned char Bytes __attribute__((vector_size(W)));

Ints is_true(const unsigned char* mask, size_t count) {
    Bytes truth{};
    __builtin_memcpy(&truth, mask, count == W ? W : count);
    return __builtin_convertvector(truth, Ints) != 0;
}
#else
Ints is_true(const unsigned char* mask, size_t count) {
    Ints truth{};
    for (size_t i = 0; i < count; i++) truth[i] = mask[i];
    return truth != 0;
}
#endif

// x * scale where the mask is true, x * 0 elsewhere: of inf and nan that is nan, as in the core.
void dropout(const float* x, const unsigned char* mask, float scale, float* out, size_t size) {
    in_blocks(size, LIGHT, [=](size_t begin, size_t end) {
        const Vector kept = all(scale), dropped = kept * 0.0f;
        write(out + begin, end - begin, size, [=](size_t i, size_t count) {
            return load(x + begin + i, count) * select(is_true(mask + begin + i, count), kept, dropped);
        });
    });
}

template <bool one_yes, bool one_no> void choose(const Select& job) {
    const auto [condition, yes, no, out, size, unused, not_used] = job;
    in_blocks(size, LIGHT, [=](size_t begin, size_t end) {
        const Vector always = all(*yes), never = all(*no);
        write(out + begin, end - begin, size, [=](size_t i, size_t count) {
            i += begin;
            return select(is_true(condition + i, count), one_yes ? always : load(yes + i, count),
                          one_no ? never : load(no + i, count));
        });
    });
}

void choose(const Select& job) {
    const auto chosen = job.one_yes ? (job.one_no ? choose<true, true> : choose<true, false>)
                                    : (job.one_no ? choose<false, true> : choose<false, false>);
    chosen(job);
}

// Of a zero and a bound that is the other zero: the bound, where it is the only one, as numpy has it.
Vector at_least(Vector x, float low) { return select(x <= low, all(low), x); }
Vector at_most(Vector x, float high) { return select(x >= high, all(high), x); }

// The lower bound first, so that the upper one wins where it is below; nan stays, and of two zeros the number's own.
Vector between(Vector x, float low, float high) { return no_more_than(no_less_than(x, low), high); }

template <class Bounded> void clip(const float* x, float* out, size_t size, Bounded bounded) {
    in_blocks(size, LIGHT, [=](size_t begin, size_t end) {
        write(out + begin, end - begin, size, [=](size_t i, size_t count) { return bounded(load(x + begin + i, count)); });
    });
}

void clip(const float* x, const float* low, const float* high, float* out, size_t size) {
    if (low && high)
        clip(x, out, size, [low = *low, high = *high](Vector number) { return between(number, low, high); });
    else if (low)
        clip(x, out, size, [low = *low](Vector number) { return at_least(number, low); });
    else
        clip(x, out, size, [high = *high](Vector number) { return at_most(number, high); });
}

}  // namespace

void add_arithmetic(Kernels& table) {
    table.add = paired<plus>;
    table.subtract = paired<minus>;
    table.subtract_from = paired<minus_from>;
    table.multiply = paired<times>;
    table.divide = paired<over>;
    table.divide_from = paired<over_from>;
    table.negative = single<opposite>;
    table.absolute = single<absolute>;
    table.sqrt = single<root>;
    table.tanh_grad = twice<tanh_slope>;
    table.sigmoid_grad = twice<sigmoid_slope>;
    table.dropout = dropout;
    table.select = choose;
    table.clip = clip;
}

}  // namespace ISA

// Sums of an array (outer, rows, inner) over its rows: out[o][j] = sum over i of x[o][i][j], divided for a mean.
//
//   inner = 1: numbers in a row, as over the last dimensions or all        outer = 1: as over the first, a bias's gradient
//
// Adding one by one, the rounding errors of float32 grow with the number of terms (Higham, Accuracy and Stability of
// Numerical Algorithms, 2002, section 4.2). Here numbers in a row are summed in double, and of columns eight at a time
// as a tree in float32 and these in double: what is left is hardly more than the rounding of the result. Long rows and
// many are cut into parts that depend on the sizes alone, so any number of threads gives the same bits.

#include "elementwise.h"

namespace ISA {
namespace {

constexpr size_t STRIP = 2048;  // columns that are summed together: their sums stay in the first-level cache
constexpr size_t NARROW = 64;   // columns: below, several rows are taken as one
constexpr size_t HALF = W / 2;

typedef double Wide __attribute__((vector_size(8 * HALF)));

Wide wide(const float* x) {
    Wide out;
    for (size_t i = 0; i < HALF; i++) out[i] = x[i];  // the compiler makes one instruction of it
    return out;
}

// As in the core: a sum that is too large for float32 is inf, and its mean, too.
float divided(double total, const Sum& job) { return static_cast<float>(total) / job.divisor; }

double sum_of_row(const float* x, size_t size) {
    Wide sums[8] = {};
    size_t i = 0;
    for (; i + 8 * HALF <= size; i += 8 * HALF)
        for (size_t k = 0; k < 8; k++) sums[k] += wide(x + i + k * HALF);
    for (; i + HALF <= size; i += HALF) sums[0] += wide(x + i);
    const Wide all = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
    double total = 0.0;
    for (size_t k = 0; k < HALF; k++) total += all[k];
    for (; i < size; i++) total += x[i];
    return total;
}

// So many parts, dealt out so that a thread gets enough.
template <class Step> void in_parts(const Sum& job, size_t parts, Step step) {
    const size_t numbers = job.outer * job.rows * job.inner;
    in_blocks(parts, numbers < 2 * LIGHT ? parts : 1 + parts * LIGHT / numbers, [=](size_t begin, size_t end) {
        for (size_t part = begin; part < end; part++) step(part);
    });
}

void sum_of_rows(const Sum& job) {
    const size_t cuts = sum_cuts(job);
    in_parts(job, job.outer * cuts, [=, &job](size_t part) {
        const size_t row = part / cuts, cut = part % cuts, begin = job.rows * cut / cuts;
        const double total = sum_of_row(job.x + row * job.rows + begin, job.rows * (cut + 1) / cuts - begin);
        if (cuts == 1)
            job.out[row] = divided(total, job);
        else
            job.workspace[part] = total;
    });
    for (size_t row = 0; cuts > 1 && row < job.outer; row++) {
        double total = 0.0;
        for (size_t cut = 0; cut < cuts; cut++) total += job.workspace[row * cuts + cut];
        job.out[row] = divided(total, job);
    }
}

void add_to(double* sums, Vector x) {
    float numbers[W];
    __builtin_memcpy(numbers, &x, sizeof x);
    for (size_t half = 0; half < W; half += HALF) {
        Wide sum;
        __builtin_memcpy(&sum, sums + half, sizeof sum);
        sum += wide(numbers + half);
        __builtin_memcpy(sums + half, &sum, sizeof sum);
    }
}

// Eight rows of `count` numbers at x.
Vector of_eight(const float* x, size_t stride, size_t count) {
    Vector pairs[4];
    for (size_t k = 0; k < 4; k++) pairs[k] = load(x + 2 * k * stride, count) + load(x + (2 * k + 1) * stride, count);
    return (pairs[0] + pairs[1]) + (pairs[2] + pairs[3]);
}

// sums += rows of `width` numbers; there is room for a whole vector at the end of `sums`.
[[gnu::flatten]] void add_rows(const float* x, size_t stride, size_t rows, size_t width, double* sums) {
    size_t row = 0;
    for (; row + 8 <= rows; row += 8)
        each_vector(width, [=](size_t i, size_t count) { add_to(sums + i, of_eight(x + row * stride + i, stride, count)); });
    for (; row < rows; row++)
        each_vector(width, [=](size_t i, size_t count) { add_to(sums + i, load(x + row * stride + i, count)); });
}

// The same for rows of few numbers: `together` of them are taken as one row, whose sums are then added up.
void add_short_rows(const float* x, size_t rows, size_t width, double* sums) {
    const size_t together = NARROW * 2 / width;
    add_rows(x, width * together, rows / together, width * together, sums);
    for (size_t i = width; i < width * together; i++) sums[i % width] += sums[i];
    for (size_t row = rows / together * together; row < rows; row++)
        for (size_t i = 0; i < width; i++) sums[i] += x[row * width + i];
}

void sum_of_columns(const Sum& job) {
    const size_t n = job.inner, cuts = sum_cuts(job), strips = divided_up(n, STRIP);
    in_parts(job, job.outer * cuts * strips, [=, &job](size_t part) {
        const size_t each = part / strips, left = part % strips * STRIP, width = smaller(n - left, STRIP);
        const size_t outer = each / cuts, cut = each % cuts, begin = job.rows * cut / cuts;
        const float* x = job.x + (outer * job.rows + begin) * n + left;
        const size_t rows = job.rows * (cut + 1) / cuts - begin;
        double sums[STRIP + W];
        __builtin_memset(sums, 0, (n < NARROW ? 2 * NARROW + W : width + W) * sizeof *sums);
        if (n < NARROW)
            add_short_rows(x, rows, n, sums);
        else
            add_rows(x, n, rows, width, sums);
        for (size_t i = 0; i < width; i++)
            if (cuts == 1)
                job.out[outer * n + left + i] = divided(sums[i], job);
            else
                job.workspace[each * n + left + i] = sums[i];
    });
    for (size_t outer = 0; cuts > 1 && outer < job.outer; outer++) {
        double* sums = job.workspace + outer * cuts * n;
        for (size_t cut = 1; cut < cuts; cut++)
            for (size_t i = 0; i < n; i++) sums[i] += sums[cut * n + i];
        for (size_t i = 0; i < n; i++) job.out[outer * n + i] = divided(sums[i], job);
    }
}

void reduce_sum(const Sum& job) {
    if (job.inner == 1)
        sum_of_rows(job);
    else
        sum_of_columns(job);
}

}  // namespace

void add_sums(Kernels& table) { table.sum = reduce_sum; }

}  // namespace ISA

// Products of a few rows with a large matrix, as when a model answers one question: each number of b is used only as
// often as a has rows, so that copying b, as matmul.cpp does, would take longer than the product.
//
// Where the numbers of b's rows lie side by side, a tile is ROWS x VECTORS vectors of sums: vectors of b's row k, times
// the numbers a[i, k]. Where those of its columns do, as in x @ weight.T, a tile is ROWS x COLUMNS products of vectors
// along k; the lanes of each are summed at the end. Either way b goes by once and the sums stay in registers.

#include "few_rows.h"

#include "pool.h"
#include "simd.h"

namespace ISA {
namespace {

constexpr size_t DEPTH = 64;
constexpr size_t STRIP = 12 * W;  // columns that all rows meet, one after the other
constexpr size_t WORK = 75000;    // multiplications that are worth handing to another thread

struct Rows {
    const float* a;
    size_t row;  // numbers from one row of a to the next
    const Product& job;
    const float* b;
    float* out;
};

// ROWS rows from `row` on, VECTORS vectors from `column` on, `count` numbers in the last of them; rows begin to end of
// b.
template <size_t ROWS, size_t VECTORS> [[gnu::flatten]] inline void along_rows(const Rows& with, size_t row,
                                                                               size_t column, size_t count,
                                                                               size_t begin, size_t end) {
    const Product& job = with.job;
    const float* a = with.a + row * with.row;
    const float* b = with.b + static_cast<ptrdiff_t>(begin) * job.b.row + column;
    const auto size = [=](size_t v) { return v + 1 < VECTORS ? W : count; };
    Vector sums[ROWS][VECTORS] = {};
    for (size_t k = begin; k < end; k++, b += job.b.row)
        unrolled<VECTORS>([&](size_t v) {
            const Vector numbers = load(b + v * W, size(v));
            unrolled<ROWS>([&](size_t i) { sums[i][v] += all(a[i * with.row + k]) * numbers; });
        });
    unrolled<VECTORS>([&](size_t v) {
        unrolled<ROWS>([&](size_t i) {
            float* out = with.out + (row + i) * job.columns + column + v * W;
            if (begin) sums[i][v] += load(out, size(v));
            if (job.bias && end == job.inner) sums[i][v] += load(job.bias + column + v * W, size(v));
            store(out, sums[i][v], size(v));
        });
    });
}

// DEPTH rows of b at a time: as many pages of memory as can be found quickly.
template <size_t ROWS, size_t VECTORS> void rows_by_rows(const Rows& with, size_t row, size_t first, size_t last) {
    const size_t inner = with.job.inner;
    for (size_t k = 0; k < inner; k += DEPTH) {
        const size_t end = smaller(inner, k + DEPTH);
        size_t column = first;
        for (; column + VECTORS * W <= last; column += VECTORS * W)
            along_rows<ROWS, VECTORS>(with, row, column, W, k, end);
        for (; column < last; column += W) along_rows<ROWS, 1>(with, row, column, smaller(last - column, W), k, end);
    }
}

// ROWS rows from `row` on, COLUMNS columns from `column` on.
template <size_t ROWS, size_t COLUMNS>
[[gnu::flatten]] inline void along_columns(const Rows& with, size_t row, size_t column) {
    const Product& job = with.job;
    const float* a = with.a + row * with.row;
    const float* b = with.b + static_cast<ptrdiff_t>(column) * job.b.column;
    Vector sums[ROWS][COLUMNS] = {};
    each_vector(job.inner, [&](size_t k, size_t count) {
        Vector numbers[ROWS];
        unrolled<ROWS>([&](size_t i) { numbers[i] = load(a + i * with.row + k, count); });
        unrolled<COLUMNS>([&](size_t j) {
            const Vector other = load(b + static_cast<ptrdiff_t>(j) * job.b.column + k, count);
            unrolled<ROWS>([&](size_t i) { sums[i][j] += numbers[i] * other; });
        });
    });
    unrolled<COLUMNS>([&](size_t j) {
        const float bias = job.bias ? job.bias[column + j] : -0.0f;
        unrolled<ROWS>([&](size_t i) { with.out[(row + i) * job.columns + column + j] = sum(sums[i][j]) + bias; });
    });
}

template <size_t ROWS, size_t COLUMNS> void rows_by_columns(const Rows& with, size_t row, size_t begin, size_t end) {
    for (; begin + COLUMNS <= end; begin += COLUMNS) along_columns<ROWS, COLUMNS>(with, row, begin);
    for (; begin < end; begin++) along_columns<ROWS, 1>(with, row, begin);
}

// As many sums as there are registers for: 12 of 16, and what is read.
using Kernel = void (*)(const Rows&, size_t, size_t, size_t);
constexpr Kernel BY_ROWS[] = {rows_by_rows<1, 8>, rows_by_rows<2, 4>, rows_by_rows<3, 4>, rows_by_rows<4, 3>};
constexpr Kernel BY_COLUMNS[] = {rows_by_columns<1, 8>, rows_by_columns<2, 4>, rows_by_columns<3, 3>,
                                 rows_by_columns<4, 2>};

void compute(const Rows& with) {
    const Product& job = with.job;
    const Kernel* const kernels = job.b.column == 1 ? BY_ROWS : BY_COLUMNS;
    const size_t least = WORK / (job.rows * job.inner + 1) + 1, tile = job.b.column == 1 ? 8 * W : 2 * W;
    in_blocks(job.columns, up_to_multiple(evenly(job.columns, least), tile), [&](size_t begin, size_t end) {
        for (size_t next; begin < end; begin = next) {
            next = job.rows > 4 && end - begin > STRIP ? begin + STRIP : end;
            for (size_t row = 0, count; row < job.rows; row += count) {
                count = smaller(job.rows - row, 4);
                kernels[count - 1](with, row, begin, next);
            }
        }
    });
}

}  // namespace

bool takes_few_rows(const Product& job) {
    const bool short_sums = job.rows <= 16 && job.inner <= DEPTH;  // all of a strip of b stays in the first-level cache
    return (job.b.column == 1 && (job.rows <= 4 || short_sums)) || (job.b.row == 1 && job.rows <= 8);
}

void multiply_few_rows(const Product& job) {
    for (size_t each = 0; each < job.batch; each++) {
        const Matrix a = job.a.moved(job.a_places[each]);
        Rows with{a.data, static_cast<size_t>(a.row), job, job.b.data + job.b_places[each],
                  job.out + each * job.rows * job.columns};
        if (a.column != 1 || a.row < 0) {
            for (size_t i = 0; i < job.rows; i++)
                for (size_t k = 0; k < job.inner; k++) job.workspace[i * job.inner + k] = *a.at(i, k);
            with.a = job.workspace, with.row = job.inner;
        }
        compute(with);
    }
}

}  // namespace ISA

// Matrix products, and the same with a bias: out[i, j] = sum over k of a[i, k] * b[k, j] + bias[j].
//
// In the way of Goto & van de Geijn (2008), "Anatomy of high-performance matrix multiplication". A tile of ROWS x 2 W
// sums stays in registers while k goes by: each step loads two vectors of b, which serve all rows of the tile, and one
// number of a for each row. For that both are copied first into the order of reading: b into panels of 2 W columns
// (`pack_columns`), a into panels of ROWS rows (`pack`). k is cut into parts of at most DEPTH, so that a panel of b
// stays in the first-level cache while the panels of a block of a, in the second, pass it.
//
//   for each block of rows and columns (what a thread takes)
//       for each part of k:                 copy that part of a's rows
//           for each panel of b's columns:  for each panel of a's rows: a tile, added to what the part before gave
//
// a and b may be transposed, or any view: how far it is to the next row and column are two distances. A sum's order is
// that of k, whatever the number of threads. Few rows are another matter: see few_rows.cpp.

#include "few_rows.h"
#include "kernels.h"
#include "pool.h"
#include "simd.h"
#include "transpose.h"

namespace ISA {
namespace {

constexpr size_t ROWS = W == 16 ? 12 : W == 8 ? 6 : 4;  // with two vectors each and three more: the registers there are
constexpr size_t DEPTH = 384;
constexpr size_t BLOCK_ROWS = 144, BLOCK_COLUMNS = 1024;  // of a thread's block
constexpr size_t TASKS = 8;
constexpr size_t FIRST_LEVEL = 5000;                       // numbers of b that stay in the first-level cache as a whole
constexpr size_t WORK = 1000000;                           // multiplications that are worth handing to another thread
constexpr size_t PACKED = 1 << 20;                         // numbers of b that are copied at a time

// COUNT numbers of each of `depth` rows, `apart` from each other, one row behind the other in panels: COUNT from
// `from` on into the first panel, the next COUNT into the next one, `size` numbers of memory further, and so on.
template <size_t COUNT>
[[gnu::flatten]] void copy_across(const float* from, ptrdiff_t apart, size_t depth, size_t panels, size_t size, float* to) {
    for (size_t k = 0; k < depth; k++, from += apart, to += COUNT)
        for (size_t panel = 0; panel < panels; panel++)
            __builtin_memcpy(to + panel * size, from + panel * COUNT, COUNT * sizeof *to);
}

// The numbers of `count` rows of a, at most WIDTH, k by k; zeros up to WIDTH. Also columns of b, which are rows of b.T.
template <size_t WIDTH>
void copy_some(const Matrix& a, const float* from, size_t count, size_t depth, float* to) {
    for (size_t k = 0; k < depth; k++, to += WIDTH, from += a.column)
        for (size_t i = 0; i < WIDTH; i++) to[i] = i < count ? from[static_cast<ptrdiff_t>(i) * a.row] : 0.0f;
}

// Rows of a from `row` on as panels of WIDTH rows, k by k: some panels at a time, so that what lies side by side in
// memory is read together.
template <size_t WIDTH>
void pack(const Matrix& a, size_t row, size_t rows, size_t begin, size_t depth, float* to) {
    constexpr size_t TOGETHER = 64 / WIDTH;
    const size_t size = WIDTH * depth;
    for (size_t done = 0, count; done < rows; done += count * WIDTH, to += count * size) {
        const float* from = a.at(row + done, begin);
        count = smaller(TOGETHER, (rows - done) / WIDTH);
        if (!count) {
            copy_some<WIDTH>(a, from, rows - done, depth, to);
            return;
        }
        if (a.row == 1) {
            copy_across<WIDTH>(from, a.column, depth, count, size, to);
            continue;
        }
        for (size_t panel = 0; panel < count; panel++, from += static_cast<ptrdiff_t>(WIDTH) * a.row) {
            if (a.column == 1) copy_transposed<WIDTH>(from, a.row, depth, to + panel * size);
            else copy_some<WIDTH>(a, from, WIDTH, depth, to + panel * size);
        }
    }
}

// A panel of b is 2 W columns wide, the last one W where that is enough.
size_t panel_width(size_t columns, size_t column) { return columns - column <= W ? W : 2 * W; }

void pack_columns(const Matrix& b, size_t first, size_t columns, size_t begin, size_t depth, float* packed) {
    const Matrix turned{b.data, b.column, b.row};
    const size_t wide = columns % (2 * W) - 1 < W ? columns / (2 * W) * 2 * W : columns;  // of the wide panels
    const size_t together = divided_up(WORK / 32, 128 * depth) * 128 / (2 * W);
    in_blocks(divided_up(columns, 2 * W), together, [&](size_t from, size_t to) {
        const size_t column = from * 2 * W, end = smaller(to * 2 * W, wide);
        if (column < end) pack<2 * W>(turned, first + column, end - column, begin, depth, packed + column * depth);
        if (to * 2 * W > wide && wide < columns)
            pack<W>(turned, first + wide, columns - wide, begin, depth, packed + wide * depth);
    });
}

// Where a tile's sums go: they are the first of an output, or added to it; the last ones get the bias.
struct Target {
    float* at(size_t i) const { return out + static_cast<ptrdiff_t>(i) * row; }
    float* out;
    ptrdiff_t row;
    const float* bias;  // null: not yet, or none
    bool adds;
};

// A whole tile.
template <size_t VECTORS> [[gnu::flatten]] void compute(const float* a, const float* b, size_t depth, const Target& target) {
    const Target to = target;
    Vector sums[ROWS][VECTORS] = {};
    const auto each = [&](auto step) {
        unrolled<ROWS>([&](size_t i) { unrolled<VECTORS>([&](size_t v) { step(sums[i][v], i, v); }); });
    };
    if (to.adds) each([&](Vector&, size_t i, size_t v) { __builtin_prefetch(to.at(i) + v * W, 1); });
#pragma GCC unroll 4
    for (size_t k = 0; k < depth; k++, a += ROWS, b += VECTORS * W) {
        Vector numbers[VECTORS];
        unrolled<VECTORS>([&](size_t v) { numbers[v] = load(b + v * W, W); });
        each([&](Vector& sum, size_t i, size_t v) { sum += all(a[i]) * numbers[v]; });
    }
    if (to.adds) each([&](Vector& sum, size_t i, size_t v) { sum += load(to.at(i) + v * W, W); });
    if (to.bias) each([&](Vector& sum, size_t, size_t v) { sum += load(to.bias + v * W, W); });
    each([&](Vector& sum, size_t i, size_t v) { store(to.at(i) + v * W, sum, W); });
}

// The tile at an edge: computed as a whole beside the output, of which it is only a corner.
void compute_corner(void (*kernel)(const float*, const float*, size_t, const Target&), const float* a, const float* b,
                    size_t depth, const Target& to, size_t rows, size_t columns) {
    alignas(64) float whole[ROWS * 2 * W];
    kernel(a, b, depth, {whole, 2 * W, nullptr, false});
    for (size_t i = 0; i < rows; i++)
        each_vector(columns, [&](size_t j, size_t count) {
            Vector sums = load(whole + i * 2 * W + j, count);
            if (to.adds) sums += load(to.at(i) + j, count);
            if (to.bias) sums += load(to.bias + j, count);
            store(to.at(i) + j, sums, count);
        });
}

// A thread's block: `rows` rows from `row` on, `columns` columns from `column` on, of the columns that are packed.
struct Block {
    size_t row, rows, column, columns;
};

void compute_block(const Product& job, const Matrix& a, const float* packed, size_t begin, size_t depth,
                   size_t all_columns, const Target& whole, const Block& block) {
    alignas(64) float of_a[BLOCK_ROWS * DEPTH + W];
    const size_t count = divided_up(depth, DEPTH);
    for (size_t part = 0; part < count; part++) {
        const size_t from = depth * part / count, size = depth * (part + 1) / count - from;
        pack<ROWS>(a, block.row, block.rows, begin + from, size, of_a);
        const bool last = begin + from + size == job.inner;
        const auto tile = [&](size_t i, size_t j) {
            const size_t width = panel_width(all_columns, j);
            const size_t rows = smaller(ROWS, block.rows - i), columns = smaller(width, all_columns - j);
            const float *a_panel = of_a + i * size, *b_panel = packed + j * depth + from * width;
            const Target to{whole.at(block.row + i) + j, whole.row, last && whole.bias ? whole.bias + j : nullptr,
                            begin + from > 0};
            const auto kernel = width == W ? compute<1> : compute<2>;
            if (rows == ROWS && columns == width) kernel(a_panel, b_panel, size, to);
            else compute_corner(kernel, a_panel, b_panel, size, to, rows, columns);
        };
        const size_t end = block.column + block.columns;
        if (size * block.columns <= FIRST_LEVEL) {
            for (size_t i = 0; i < block.rows; i += ROWS)
                for (size_t j = block.column; j < end; j += 2 * W) tile(i, j);
        } else {
            for (size_t j = block.column; j < end; j += 2 * W)
                for (size_t i = 0; i < block.rows; i += ROWS) tile(i, j);
        }
    }
}

// How many blocks there are down and across: no larger than a cache is, and about TASKS, for threads to take in turn.
// Fewer rows a block cost little, fewer columns another copy of a's rows.
struct Cut {
    Cut(size_t rows, size_t columns) {
        down = larger(divided_up(rows, BLOCK_ROWS), smaller(TASKS, divided_up(rows, 4 * ROWS)));
        const size_t useful = smaller(divided_up(TASKS, down), divided_up(columns, 8 * W));
        const size_t wanted = larger(divided_up(columns, BLOCK_COLUMNS), useful);
        width = up_to_multiple(divided_up(columns, wanted), 2 * W);
        across = divided_up(columns, width);
    }
    size_t down, across, width;
};

// The blocks of all rows and of the columns that are packed.
void compute_columns(const Product& job, const Matrix& a, const float* packed, size_t begin, size_t depth,
                     size_t columns, const Target& whole) {
    const size_t panels = divided_up(job.rows, ROWS);
    const Cut cut(job.rows, columns);
    const size_t in_block = job.rows * columns / (cut.down * cut.across) * depth;
    in_blocks(cut.down * cut.across, WORK / (in_block + 1) + 1, [&](size_t from, size_t to) {
        for (size_t i = from; i < to; i++) {
            const size_t row = i / cut.across, column = i % cut.across * cut.width;
            const size_t first = panels * row / cut.down * ROWS, end = panels * (row + 1) / cut.down * ROWS;
            compute_block(job, a, packed, begin, depth, columns, whole,
                          {first, smaller(end, job.rows) - first, column, smaller(cut.width, columns - column)});
        }
    });
}

// So much of b is copied at a time: numbers along k, and columns.
struct Portion {
    explicit Portion(const Product& job) {
        const size_t wide = larger(up_to_multiple(job.columns, W), 2 * W);  // a panel has room for no fewer
        const size_t most = smaller(job.inner, PACKED / smaller(wide, PACKED / (4 * DEPTH)));
        depth = divided_up(job.inner, divided_up(job.inner, most));
        columns = smaller(job.columns, PACKED / depth / (2 * W) * 2 * W);
    }
    size_t depth, columns;
};

void matmul(const Product& job) {
    if (takes_few_rows(job)) return multiply_few_rows(job);
    const Portion portion(job);
    for (size_t each = 0; each < job.batch; each++) {
        const Matrix a = job.a.moved(job.a_places[each]), b = job.b.moved(job.b_places[each]);
        float* out = job.out + each * job.rows * job.columns;
        for (size_t column = 0; column < job.columns; column += portion.columns) {
            const size_t columns = smaller(portion.columns, job.columns - column);
            const Target whole{out + column, static_cast<ptrdiff_t>(job.columns), job.bias ? job.bias + column : nullptr, false};
            for (size_t begin = 0; begin < job.inner; begin += portion.depth) {
                const size_t depth = smaller(portion.depth, job.inner - begin);
                pack_columns(b, column, columns, begin, depth, job.workspace);
                compute_columns(job, a, job.workspace, begin, depth, columns, whole);
            }
        }
    }
}

size_t workspace(const Product& job) {
    if (takes_few_rows(job)) return job.rows * job.inner;
    const Portion portion(job);
    return portion.depth * up_to_multiple(portion.columns, W) + W;
}

}  // namespace

void add_matmul(Kernels& table) {
    table.matmul = matmul;
    table.matmul_workspace = workspace;
}

}  // namespace ISA

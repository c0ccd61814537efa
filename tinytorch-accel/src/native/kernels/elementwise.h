// Going through arrays number by number: `single<of>` one array, `twice<of>` two of one shape, `paired<of>` two of which
// one may be smaller (broadcasting): each of its `count` numbers goes with `run` numbers in a row, then the first again.
//
//   (rows, n) + (rows, n)   count = rows * n, run = 1        (rows, n) + (n,)              count = n, run = 1
//   (rows, n) + ()          count = 1, run = rows * n        (batch, c, h, w) + (c, 1, 1)  count = c, run = h * w

#pragma once

#include "kernels.h"
#include "pool.h"
#include "simd.h"

namespace ISA {
namespace {

constexpr size_t LIGHT = 32768, HEAVY = 8192;  // numbers that are worth handing to another thread
constexpr size_t HUGE = 2 << 20;                // numbers that no cache keeps until they are read
constexpr size_t LONG = 256;                   // a row that is long enough to go through it alone


// Four vectors are read before any is written: a processor lets a read wait for a write to an address that looks alike.
template <class Result, class Put> [[gnu::flatten]] inline void write_by(Put put, float* out, size_t size, Result result) {
    size_t i = 0;
    for (; i + 4 * W <= size; i += 4 * W) {
        const Vector first = result(i, W), second = result(i + W, W);
        const Vector third = result(i + 2 * W, W), fourth = result(i + 3 * W, W);
        put(out + i, first);
        put(out + i + W, second);
        put(out + i + 2 * W, third);
        put(out + i + 3 * W, fourth);
    }
    for (; i + W <= size; i += W) store(out + i, result(i, W), W);
    if (i < size) store(out + i, result(i, size - i), size - i);
}

// `result(i, count)` for each place of the output, or of a part of it: `all` numbers are written in all.
template <class Result> [[gnu::flatten]] inline void write(float* out, size_t size, size_t all, Result result) {
    if (all < HUGE || reinterpret_cast<uintptr_t>(out) % sizeof(Vector))
        return write_by([](float* to, Vector x) { store(to, x, W); }, out, size, result);
    write_by(stream, out, size, result);
    streamed();
}

template <Vector of(Vector), size_t block = LIGHT> void single(const float* x, float* out, size_t size) {
    in_blocks(size, block, [=](size_t begin, size_t end) {
        write(out + begin, end - begin, size, [=](size_t i, size_t count) { return of(load(x + begin + i, count)); });
    });
}

template <Vector of(Vector, Vector), size_t block = LIGHT>
void twice(const float* x, const float* y, float* out, size_t size) {
    in_blocks(size, block, [=](size_t begin, size_t end) {
        write(out + begin, end - begin, size,
              [=](size_t i, size_t count) { return of(load(x + begin + i, count), load(y + begin + i, count)); });
    });
}

// The numbers of x from `begin` to `end`, each with the next one of y, after the last the first again.
template <Vector of(Vector, Vector)>
void with_rows(const float* x, const float* y, float* out, size_t all, size_t count, size_t begin, size_t end) {
    for (size_t i = begin, next; i < end; i = next) {
        const size_t place = i % count;
        next = smaller(end, i + count - place);
        const float *from = x + i, *other = y + place;
        write(out + i, next - i, all, [=](size_t k, size_t many) { return of(load(from + k, many), load(other + k, many)); });
    }
}

// The same for a short y, written down several times, so that there is something to go through.
template <Vector of(Vector, Vector)>
void with_short_rows(const float* x, const float* y, float* out, size_t all, size_t count, size_t begin, size_t end) {
    float rows[LONG];
    const size_t whole = LONG / count * count;
    for (size_t i = 0; i < whole; i++) rows[i] = i < count ? y[i] : rows[i - count];
    with_rows<of>(x, rows, out, all, whole, begin, end);
}

// The numbers of x from `begin` to `end`, each number of y with the next `run` of them.
template <Vector of(Vector, Vector)>
void with_runs(const float* x, const float* y, float* out, size_t all, size_t count, size_t run, size_t begin, size_t end) {
    for (size_t i = begin, next; i < end; i = next) {
        const size_t which = i / run;
        next = smaller(end, (which + 1) * run);
        const float* from = x + i;
        const Vector same = ISA::all(y[which % count]);
        write(out + i, next - i, all, [=](size_t k, size_t many) { return of(load(from + k, many), same); });
    }
}

// The same for runs below W: each vector's numbers of y are brought together.
template <Vector of(Vector, Vector)>
void with_short_runs(const float* x, const float* y, float* out, size_t count, size_t run, size_t begin, size_t end) {
    size_t which = begin / run % count, left = run - begin % run;
    for (size_t i = begin; i < end; i += W) {
        Vector others{};
        const size_t many = smaller(W, end - i);
        for (size_t k = 0; k < many; k++) {
            others[k] = y[which];
            if (--left) continue;
            left = run;
            if (++which == count) which = 0;
        }
        store(out + i, of(load(x + i, many), others), many);
    }
}

template <Vector of(Vector, Vector)> void paired(const Pair& job) {
    const auto [x, y, out, size, count, run] = job;
    if (count == size) return twice<of>(x, y, out, size);
    in_blocks(size, LIGHT, [=](size_t begin, size_t end) {
        if (run > 1 && run < W)
            with_short_runs<of>(x, y, out, count, run, begin, end);
        else if (run > 1)
            with_runs<of>(x, y, out, size, count, run, begin, end);
        else if (2 * count <= LONG && end - begin > LONG)
            with_short_rows<of>(x, y, out, size, count, begin, end);
        else
            with_rows<of>(x, y, out, size, count, begin, end);
    });
}

}  // namespace
}  // namespace ISA

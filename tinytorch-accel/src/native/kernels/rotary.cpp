// Rotary embeddings (Su et al. 2021, equation 34): each pair of numbers turned by its angle.
//
//   a' = a * cos - b * sin,   b' = a * sin + b * cos
//
// Pairs are neighbours if interleaved, else a number of a vector's first half and its like in the second. One pass, of
// vectors anywhere in memory: queries and keys are often views of one array.

#include "kernels.h"
#include "pool.h"
#include "simd.h"

namespace ISA {
namespace {

void turn_halves(const float* x, const float* cos, const float* sin, float* out, size_t half) {
    each_vector(half, [=](size_t i, size_t count) {
        const Vector a = load(x + i, count), b = load(x + half + i, count);
        const Vector c = load(cos + i, count), s = load(sin + i, count);
        store(out + i, a * c - b * s, count);
        store(out + half + i, a * s + b * c, count);
    });
}

void turn_neighbours(const float* x, const float* cos, const float* sin, float* out, size_t half) {
    for (size_t i = 0; i < half; i++) {
        const float a = x[2 * i], b = x[2 * i + 1];
        out[2 * i] = a * cos[i] - b * sin[i];
        out[2 * i + 1] = a * sin[i] + b * cos[i];
    }
}

void rotary(const Rotary& job) {
    const auto turn = job.interleaved ? turn_neighbours : turn_halves;
    in_blocks(job.batch * job.heads * job.time, 32768 / (2 * job.half) + 1, [&](size_t begin, size_t end) {
        for (size_t row = begin; row < end; row++) {
            const size_t t = row % job.time, h = row / job.time % job.heads, b = row / job.time / job.heads;
            turn(job.x.row(b, h, t), job.cos.row(b, h, t), job.sin.row(b, h, t), job.out.row(b, h, t), job.half);
        }
    });
}

}  // namespace

void add_rotary(Kernels& table) { table.rotary = rotary; }

}  // namespace ISA

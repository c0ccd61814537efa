// Embedding: rows of a table, looked up by number; backward, each one's gradient added to its row.
//
// Backward goes through the numbers in their order, so a row's sum has always the same order; threads have a share of
// the table's rows each, and take what falls into it.

#include "kernels.h"
#include "pool.h"
#include "simd.h"

namespace ISA {
namespace {

constexpr size_t LARGE = 65536;  // numbers that are worth handing to another thread
constexpr size_t SHARES = 8;     // of the table: every one goes through all indices

void embedding(const Embedding& job) {
    const size_t n = job.width;
    in_blocks(job.count, LARGE / n + 1, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; i++) {
            const float* row = job.weight + static_cast<size_t>(job.indices[i]) * n;
            float* out = job.out + i * n;
            each_vector(n, [=](size_t k, size_t count) { store(out + k, load(row + k, count), count); });
        }
    });
}

// Of the table's rows those from `begin` to `end`.
[[gnu::flatten]] void add_rows(const EmbeddingGrad& job, size_t begin, size_t end) {
    const size_t n = job.width;
    __builtin_memset(job.out + begin * n, 0, (end - begin) * n * sizeof *job.out);
    for (size_t i = 0; i < job.count; i++) {
        const size_t index = static_cast<size_t>(job.indices[i]);
        if (index < begin || index >= end) continue;
        const float* grad = job.grad + i * n;
        float* row = job.out + index * n;
        each_vector(n, [=](size_t k, size_t count) { store(row + k, load(row + k, count) + load(grad + k, count), count); });
    }
}

void embedding_grad(const EmbeddingGrad& job) {
    const bool large = (job.count + job.rows) * job.width > LARGE;
    const size_t shares = large && job.rows > SHARES ? SHARES : 1;
    in_blocks(shares, 1, [&](size_t begin, size_t end) {
        for (size_t share = begin; share < end; share++)
            add_rows(job, job.rows * share / shares, job.rows * (share + 1) / shares);
    });
}

}  // namespace

void add_embedding(Kernels& table) {
    table.embedding = embedding;
    table.embedding_grad = embedding_grad;
}

}  // namespace ISA

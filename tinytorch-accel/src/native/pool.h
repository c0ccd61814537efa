// The threads that share the work of a kernel.
//
// There is one pool. A kernel hands it the blocks of its work; the calling thread and the workers take the next block
// until none is left, so that a worker that the machine holds up holds up nobody else. Small work never gets here.

#pragma once

#include <climits>
#include <cstddef>

namespace pool {

using Body = void (*)(const void* job, std::size_t begin, std::size_t end, int thread);

// Calls body(job, begin, end, thread) for every block of [0, count), in any order, and returns when all are done.
// Threads are numbered from 0, the caller, and at most `threads` of them take part. Where another Python thread has the
// workers, the caller does its work by itself. The body must not throw and must not call Python.
void run(std::size_t count, std::size_t block, int threads, Body body, const void* job);

void set_threads(int count);  // the caller counts as one
int threads();
void stop();  // ends the workers; the next run starts new ones

}  // namespace pool

// The same for a lambda step(begin, end, thread). Every lambda is a type of its own, so each instruction set has its
// own copy.
template <class Step>
inline void in_blocks_of_threads(std::size_t count, std::size_t block, int threads, const Step& step) {
    if (count <= block) {
        step(std::size_t{0}, count, 0);
        return;
    }
    pool::run(
        count, block, threads,
        [](const void* job, std::size_t begin, std::size_t end, int thread) {
            (*static_cast<const Step*>(job))(begin, end, thread);
        },
        &step);
}

// The same where the thread does not matter: step(begin, end).
template <class Step> inline void in_blocks(std::size_t count, std::size_t block, const Step& step) {
    in_blocks_of_threads(count, block, INT_MAX, [&](std::size_t begin, std::size_t end, int) { step(begin, end); });
}

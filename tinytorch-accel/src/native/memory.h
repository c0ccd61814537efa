// The memory of outputs and workspaces, kept for the next op instead of being given back to the system.
//
// A fresh page costs a fault, which takes longer than computing what is written into it; a training step frees and asks
// for the same sizes again and again. Only freed memory is ever handed out: a numpy array frees its memory when it and
// all of its views are gone.

#pragma once

#include <cstddef>

namespace memory {

constexpr std::size_t ALIGNMENT = 64;  // a cache line, and the widest vector

struct Counts {
    std::size_t in_use, kept, most;  // bytes: handed out, kept for later, the bound of those
    std::size_t hits, misses;        // blocks that were kept, blocks that came from the system
};

void* take(std::size_t bytes);  // null: there is none
void give(void* block);
std::size_t bytes_in(const void* block);  // as many as were asked for

void keep_at_most(std::size_t bytes);
void release();  // gives everything that is kept back to the system
Counts counts();

// Memory for the time of a call.
class Workspace {
  public:
    explicit Workspace(std::size_t numbers) : data(static_cast<float*>(take(numbers * sizeof(float)))) {}
    ~Workspace() { give(data); }
    Workspace(const Workspace&) = delete;
    Workspace& operator=(const Workspace&) = delete;
    float* const data;
};

}  // namespace memory

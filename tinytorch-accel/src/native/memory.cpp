// Size classes: between two powers of two there are four, so that a block is at most a quarter larger than was asked
// for. Freed blocks of a class are a stack. Before each block lies its header, which says its class.
//
// When more would be kept than the bound allows, everything kept is given back first: what lies there unused is of
// sizes that nobody asks for any more, or of all of them, and then the next step asks for them again.

#include "memory.h"

#include <pthread.h>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <mutex>

#if defined(__linux__)
#include <malloc.h>
#include <sys/mman.h>
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(start, bytes) static_cast<void>(0)
#define ASAN_UNPOISON_MEMORY_REGION(start, bytes) static_cast<void>(0)
#endif

namespace memory {
namespace {

struct alignas(ALIGNMENT) Header {
    std::size_t size_class;
    std::size_t bytes;  // that were asked for
    Header* next;       // among the freed ones
};

constexpr std::size_t CLASSES = 4 * 62;
constexpr std::size_t PAGE = 4096, HUGE_PAGE = std::size_t{2} << 20;

struct Store {
    std::mutex lock;
    Header* freed[CLASSES] = {};
    Counts counts{0, 0, std::size_t{512} << 20, 0, 0};
};

Store& the = *new Store;  // never destroyed: arrays may outlive the module

// 64, 80, 96, 112, 128, 160, 192, ...: (4 + rest) * 2^(place / 4 + 4).
std::size_t bytes_of(std::size_t size_class) { return (4 + size_class % 4) << (size_class / 4 + 4); }

std::size_t class_for(std::size_t bytes) {
    if (bytes <= 64) return 0;
    const std::size_t shift = std::bit_width(bytes - 1) - 3;  // leaves 4 to 7: which quarter
    return 4 * (shift - 4) + ((bytes - 1) >> shift) - 4 + 1;
}

// Large blocks begin at a page, those above a huge page at one, so that the system may use such: fewer faults.
Header* from_system(std::size_t size_class) {
    const std::size_t bytes = bytes_of(size_class) + sizeof(Header);
    const std::size_t alignment = bytes >= 2 * HUGE_PAGE ? HUGE_PAGE : bytes >= 4 * PAGE ? PAGE : ALIGNMENT;
    void* block = nullptr;
    if (posix_memalign(&block, alignment, bytes)) return nullptr;
#if defined(__linux__)
    if (alignment == HUGE_PAGE) madvise(block, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);  // the rest is in small pages
#endif
    Header* header = static_cast<Header*>(block);
    header->size_class = size_class;
    return header;
}

void give_back_all() {
    for (Header*& top : the.freed)
        while (Header* header = top) {
            top = header->next;
            ASAN_UNPOISON_MEMORY_REGION(header + 1, bytes_of(header->size_class));
            std::free(header);
        }
    the.counts.kept = 0;
}

Header* header_of(const void* block) { return static_cast<Header*>(const_cast<void*>(block)) - 1; }

void lock_store() { the.lock.lock(); }
void unlock_store() { the.lock.unlock(); }
const int registered = pthread_atfork(lock_store, unlock_store, unlock_store);

}  // namespace

void* take(std::size_t bytes) {
    if (bytes > PTRDIFF_MAX / 2) return nullptr;
    const std::size_t size_class = class_for(bytes), size = bytes_of(size_class);
    const std::lock_guard hold(the.lock);
    Header* header = the.freed[size_class];
    if (header) {
        the.freed[size_class] = header->next;
        the.counts.kept -= size;
        the.counts.hits++;
    } else {
        header = from_system(size_class);
        if (!header) return nullptr;
        the.counts.misses++;
    }
    the.counts.in_use += size;
    header->bytes = bytes;
    ASAN_UNPOISON_MEMORY_REGION(header + 1, bytes);  // no more than was asked for: what lies beyond is an error
    return header + 1;
}

void give(void* block) {
    if (!block) return;
    Header* header = header_of(block);
    const std::size_t size = bytes_of(header->size_class);
    const std::lock_guard hold(the.lock);
    the.counts.in_use -= size;
    if (the.counts.kept + size > the.counts.most) give_back_all();
    if (size > the.counts.most) return std::free(header);
    header->next = the.freed[header->size_class];
    the.freed[header->size_class] = header;
    the.counts.kept += size;
    ASAN_POISON_MEMORY_REGION(block, size);
}

std::size_t bytes_in(const void* block) { return header_of(block)->bytes; }

void keep_at_most(std::size_t bytes) {
    const std::lock_guard hold(the.lock);
    the.counts.most = bytes;
    if (the.counts.kept > bytes) give_back_all();
}

void release() {
    const std::lock_guard hold(the.lock);
    give_back_all();
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
}

Counts counts() {
    const std::lock_guard hold(the.lock);
    return the.counts;
}

}  // namespace memory

// How workers and callers meet.
//
// A job is open while the caller lets workers in. A worker counts itself in (`inside`), then looks whether the job is
// open; the caller closes it, then looks whether anybody is inside. All of that is sequentially consistent, so one of
// the two sees the other, and the fields of a job are written only while it is closed and nobody is inside. A worker
// that sleeps through a job is not missed: whoever is awake takes the blocks.
//
// Idle workers look for work during SPIN, which is longer than the way from one op to the next, and then sleep on
// `ticket`, as the caller does on `inside` when a worker takes long over its last block (C++20's atomic wait: a futex).
//
// fork() copies this thread alone: the child forgets the workers, and its first job starts its own. For that moment the
// parent takes the pool, so that no job is half done.

#include "pool.h"

#include <pthread.h>
#include <signal.h>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

namespace pool {
namespace {

constexpr auto SPIN = std::chrono::microseconds(200);

struct Job {
    std::size_t count, block;
    int threads;
    Body body;
    const void* work;
    std::atomic<std::size_t> next;
};

struct Pool {
    std::mutex taken;  // by the caller whose job it is
    Job job{};
    std::atomic<bool> open{false}, stopping{false};
    std::atomic<int> inside{0};
    std::atomic<unsigned> ticket{0};  // changes with each job
    std::vector<std::thread> workers;
    std::atomic<int> size{1};
};

Pool& the = *new Pool;  // never destroyed: the process may end while a daemon thread computes

void take_blocks(Job& job, int thread) {
    for (;;) {
        const std::size_t begin = job.next.fetch_add(job.block, std::memory_order_relaxed);
        if (begin >= job.count) return;
        job.body(job.work, begin, begin + job.block < job.count ? begin + job.block : job.count, thread);
    }
}

void relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

// Waits until `value` is no longer `old`: awake at first, then asleep.
template <class T> T changed(const std::atomic<T>& value, T old) {
    const auto end = std::chrono::steady_clock::now() + SPIN;
    do {
        for (int i = 0; i < 64; i++) {
            if (value.load() != old) return value.load();
            relax();
        }
    } while (std::chrono::steady_clock::now() < end);
    value.wait(old);
    return value.load();
}

void leave() {
    if (the.inside.fetch_sub(1) == 1) the.inside.notify_all();
}

void work(int thread, unsigned seen) {
    for (;;) {
        seen = changed(the.ticket, seen);
        if (the.stopping) return;
        the.inside.fetch_add(1);
        if (the.open && thread < the.job.threads) take_blocks(the.job, thread);
        leave();
    }
}

// Signals are for Python's main thread: a worker takes none.
void start_workers() {
    sigset_t every, before;
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    for (int number = static_cast<int>(the.workers.size()) + 1; number < the.size; number++)
        the.workers.emplace_back(work, number, the.ticket.load());
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void call_workers() {
    the.ticket.fetch_add(1);
    the.ticket.notify_all();
}

void run_alone(std::size_t count, std::size_t block, Body body, const void* work) {
    for (std::size_t begin = 0; begin < count; begin += block)
        body(work, begin, begin + block < count ? begin + block : count, 0);
}

void stop_taken() {
    the.stopping = true;
    call_workers();
    for (std::thread& worker : the.workers) worker.join();
    the.workers.clear();
    the.stopping = false;
}

void before_fork() { the.taken.lock(); }
void after_fork_in_parent() { the.taken.unlock(); }

void after_fork_in_child() {
    new (&the.workers) std::vector<std::thread>;  // those of the parent: neither joined nor destroyed
    the.inside = 0;
    the.taken.unlock();
}

const int registered = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);

}  // namespace

void run(std::size_t count, std::size_t block, int threads, Body body, const void* work) {
    std::unique_lock lock(the.taken, std::try_to_lock);
    if (!lock || the.size == 1) return run_alone(count, block, body, work);
    start_workers();
    the.job.count = count;
    the.job.block = block;
    the.job.threads = threads;
    the.job.body = body;
    the.job.work = work;
    the.job.next.store(0, std::memory_order_relaxed);
    the.open = true;
    call_workers();
    take_blocks(the.job, 0);
    the.open = false;
    for (int left = the.inside; left; left = changed(the.inside, left));
}

void set_threads(int count) {
    std::lock_guard lock(the.taken);
    if (count == the.size) return;
    stop_taken();
    the.size = count;
}

int threads() { return the.size; }

void stop() {
    std::lock_guard lock(the.taken);
    stop_taken();
}

}  // namespace pool

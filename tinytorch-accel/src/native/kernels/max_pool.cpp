// Max pooling: the largest number of each window, and its place there, which backward needs.
//
//   out[y, x] = max over (i, j) of in[y * stride - padding + i * dilation, ...],   place = i * kernel width + j
//
// Images are channels-last: a vector is W channels of one pixel, so windows need no shuffling whatever their stride. Of
// equal numbers the first wins (of 0 and -0 its place, but the last one's sign), of nans the last; what lies outside of
// the image is passed over.
//
// Backward goes through the input's rows and adds, place by place, what each window that covers a row gives there. A
// row stays in the cache meanwhile, and the order of the sums is the core's: by the place in the window.

#include "images.h"
#include "kernels.h"
#include "pool.h"
#include "simd.h"
#include "windows.h"

namespace ISA {
namespace {

typedef unsigned char Bytes __attribute__((vector_size(4 * W)));

constexpr size_t WORK = 16384;  // numbers that are worth handing to another thread

// A place is one byte, in a vector one in four; by shuffles, since GCC converts W bytes one after the other.
template <size_t... I> inline Bytes spread(Bytes x, std::index_sequence<I...>) {
    return __builtin_shufflevector(x, Bytes{}, (I % 4 ? 4 * W : I / 4)...);
}

template <size_t... I> inline Bytes gathered(Bytes x, std::index_sequence<I...>) {
    return __builtin_shufflevector(x, Bytes{}, (I < W ? 4 * I : 4 * W)...);
}

inline void store_places(unsigned char* to, Ints places, size_t count) {
    const Bytes bytes = gathered(reinterpret_cast<Bytes>(places), std::make_index_sequence<4 * W>{});
    __builtin_memcpy(to, &bytes, count == W ? W : count);
}

inline Ints load_places(const unsigned char* from, size_t count) {
    unsigned char rest[W] = {};
    if (count < W) from = static_cast<unsigned char*>(__builtin_memcpy(rest, from, count));
    Ints four{};
    for (size_t i = 0; i < W / 4; i++) {
        int32_t places;
        __builtin_memcpy(&places, from + 4 * i, sizeof places);
        four[i] = places;
    }
    return reinterpret_cast<Ints>(spread(reinterpret_cast<Bytes>(four), std::make_index_sequence<4 * W>{}));
}

// The windows of one row of the output.
[[gnu::flatten]] void pool_row(const MaxPool& job, const float* image, size_t y, float* out, unsigned char* place) {
    const Images& x = job.x;
    const Window& window = job.window;
    const Inside rows(window, 0, y, x.height);
    for (size_t at = 0; at < job.width; at++, out += x.channels, place += x.channels) {
        const Inside columns(window, 1, at, x.width);
        const auto pixel = [&](size_t i, size_t j) {
            const size_t row = y * window.stride[0] + i * window.dilation[0] - window.before[0];
            return image +
                   (row * x.width + at * window.stride[1] + j * window.dilation[1] - window.before[1]) * x.channels;
        };
        each_vector(x.channels, [&](size_t channel, size_t count) {
            Vector largest = load(pixel(rows.begin, columns.begin) + channel, count);
            Ints places = Ints{} + static_cast<int32_t>(rows.begin * window.kernel[1] + columns.begin);
            for (size_t i = rows.begin; i < rows.end; i++)
                for (size_t j = columns.begin; j < columns.end; j++) {
                    const Vector number = load(pixel(i, j) + channel, count);
                    const Ints larger = (number > largest) | (number != number);
                    largest = select((largest > number) | (largest != largest), largest, number);
                    places = larger ? Ints{} + static_cast<int32_t>(i * window.kernel[1] + j) : places;
                }
            store(out + channel, largest, count);
            store_places(place + channel, places, count);
        });
    }
}

void max_pool(const MaxPool& job) {
    const Images& x = job.x;
    const float* images = in_order(x, x.channels, job.workspace);
    const size_t in_row = job.width * x.channels;
    in_blocks(x.batch * job.height, WORK / in_row + 1, [=, &job](size_t begin, size_t end) {
        for (size_t i = begin; i < end; i++) {
            const float* image = images + i / job.height * x.height * x.width * x.channels;
            pool_row(job, image, i % job.height, job.out + i * in_row, job.place + i * in_row);
        }
    });
}

// Adds to one row of the result what windows of one row give it by one place; `first` where nothing is there yet.
template <bool FIRST> [[gnu::flatten]] void add_place(const MaxPoolGrad& job, const float* grad,
                                                      const unsigned char* place, size_t number, float* out) {
    const size_t channels = job.grad.channels;
    const Meeting windows(job.window, 1, number % job.window.kernel[1], job.width, job.grad.width);
    const int32_t wanted = static_cast<int32_t>(number);
    for (size_t at = windows.begin; at < windows.end; at++) {
        const size_t from = at * channels, to = windows.position(at) * channels;
        each_vector(channels, [=](size_t i, size_t count) {
            const Vector part =
                select(load_places(place + from + i, count) == wanted, load(grad + from + i, count), Vector{});
            store(out + to + i, FIRST ? part : load(out + to + i, count) + part, count);
        });
    }
}

void grad_row(const MaxPoolGrad& job, const float* grad, const unsigned char* place, size_t y, float* out) {
    const size_t in_row = job.grad.width * job.grad.channels, across = job.window.kernel[1];
    const Covering down(job.window, 0, y, job.grad.height);
    const auto add = job.apart ? add_place<true> : add_place<false>;
    fill_zeros(out, job.width * job.grad.channels);
    for (size_t i = 0; i < job.window.kernel[0]; i++)
        for (size_t j = 0; down.has(i) && j < across; j++)
            add(job, grad + down.window(i) * in_row, place + down.window(i) * in_row, i * across + j, out);
}

void max_pool_grad(const MaxPoolGrad& job) {
    const size_t channels = job.grad.channels, in_row = job.width * channels;
    const float* grads = in_order(job.grad, channels, job.workspace);
    in_blocks(job.grad.batch * job.height, WORK / in_row + 1, [=, &job](size_t begin, size_t end) {
        for (size_t i = begin; i < end; i++) {
            const size_t image = i / job.height * job.grad.height * job.grad.width * channels;
            grad_row(job, grads + image, job.place + image, i % job.height, job.out + i * in_row);
        }
    });
}

}  // namespace

void add_max_pool(Kernels& table) {
    table.max_pool = max_pool;
    table.max_pool_grad = max_pool_grad;
}

}  // namespace ISA

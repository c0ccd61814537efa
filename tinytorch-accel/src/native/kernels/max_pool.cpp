// Max pooling: the largest number of each window, and its place there, which backward needs.
//
//   out[y, x] = max over (i, j) of in[y * stride - padding + i * dilation, ...],   place = i * kernel width + j
//
// Images are channels-last: a vector is W channels of one pixel, so windows need no shuffling whatever their stride. Of
// equal numbers the first wins (of 0 and -0 its place, but the last one's sign), of nans the last; what lies outside of the image is passed over.
//
// Backward goes through the input's pixels and asks each window that covers one whether its maximum was there. That
// writes each number once, needs no zeros before, and adds in the core's order: by the place in the window.

#include "images.h"
#include "kernels.h"
#include "pool.h"
#include "simd.h"

namespace ISA {
namespace {

typedef unsigned char Bytes __attribute__((vector_size(W)));

constexpr size_t WORK = 16384;  // numbers that are worth handing to another thread

inline void store_places(unsigned char* to, Ints places, size_t count) {
    const Bytes bytes = __builtin_convertvector(places, Bytes);
    __builtin_memcpy(to, &bytes, count == W ? W : count);
}

inline Ints load_places(const unsigned char* from, size_t count) {
    Bytes bytes{};
    __builtin_memcpy(&bytes, from, count == W ? W : count);
    return __builtin_convertvector(bytes, Ints);
}

// The part [begin, end) of a window's places that lies in the image, along one dimension.
struct Inside {
    Inside(const Window& window, int dim, size_t at, size_t size) {
        const size_t step = window.dilation[dim], origin = at * window.stride[dim], before = window.before[dim];
        begin = origin < before ? (before - origin + step - 1) / step : 0;
        const size_t room = size + before > origin ? (size + before - origin + step - 1) / step : 0;
        end = room < window.kernel[dim] ? room : window.kernel[dim];
    }
    size_t begin, end;
};

// The windows of one row of the output.
[[gnu::flatten]] void pool_row(const MaxPool& job, const float* image, size_t y, float* out, unsigned char* place) {
    const Images& x = job.x;
    const Window& window = job.window;
    const Inside rows(window, 0, y, x.height);
    for (size_t at = 0; at < job.width; at++, out += x.channels, place += x.channels) {
        const Inside columns(window, 1, at, x.width);
        const auto pixel = [&](size_t i, size_t j) {
            const size_t row = y * window.stride[0] + i * window.dilation[0] - window.before[0];
            return image + (row * x.width + at * window.stride[1] + j * window.dilation[1] - window.before[1]) * x.channels;
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
    const float* images = framed(x, {}, x.channels, job.workspace);
    const size_t in_row = job.width * x.channels;
    in_blocks(x.batch * job.height, WORK / in_row + 1, [=, &job](size_t begin, size_t end) {
        for (size_t i = begin; i < end; i++) {
            const float* image = images + i / job.height * x.height * x.width * x.channels;
            pool_row(job, image, i % job.height, job.out + i * in_row, job.place + i * in_row);
        }
    });
}

// The places of windows, along one dimension, that are at position `at` of the input: place, and which window.
struct Covering {
    Covering(const Window& window, int dim, size_t at, size_t windows)
        : step(window.dilation[dim]), stride(window.stride[dim]), position(at + window.before[dim]), windows(windows) {}
    bool has(size_t place) const {
        const size_t offset = place * step;
        return offset <= position && (position - offset) % stride == 0 && (position - offset) / stride < windows;
    }
    size_t window(size_t place) const { return (position - place * step) / stride; }
    size_t step, stride, position, windows;
};

// The windows that have one pixel, in the order of its place in them.
struct Hits {
    static constexpr size_t MOST = 256;
    size_t count = 0, offset[MOST];
    int32_t number[MOST];
};

void find_hits(const MaxPoolGrad& job, const Covering& down, size_t column, Hits& hits) {
    const Window& window = job.window;
    const Covering across(window, 1, column, job.grad.width);
    hits.count = 0;
    for (size_t i = 0; i < window.kernel[0]; i++) {
        if (!down.has(i)) continue;
        for (size_t j = 0; j < window.kernel[1]; j++) {
            if (!across.has(j)) continue;
            hits.offset[hits.count] = (down.window(i) * job.grad.width + across.window(j)) * job.grad.channels;
            hits.number[hits.count++] = static_cast<int32_t>(i * window.kernel[1] + j);
        }
    }
}

[[gnu::flatten]] void grad_row(const MaxPoolGrad& job, const float* grad, const unsigned char* place, size_t y,
                               float* out) {
    const size_t channels = job.grad.channels;
    const Covering down(job.window, 0, y, job.grad.height);
    Hits hits;
    for (size_t column = 0; column < job.width; column++, out += channels) {
        find_hits(job, down, column, hits);
        each_vector(channels, [&](size_t channel, size_t count) {
            const auto part = [&](size_t hit) {
                const size_t at = hits.offset[hit] + channel;
                return select(load_places(place + at, count) == hits.number[hit], load(grad + at, count), Vector{});
            };
            Vector total{};
            for (size_t hit = 0; hit < hits.count; hit++) total = job.apart ? part(hit) : total + part(hit);
            store(out + channel, total, count);
        });
    }
}

void max_pool_grad(const MaxPoolGrad& job) {
    const size_t channels = job.grad.channels, in_row = job.width * channels;
    const float* grads = framed(job.grad, {}, channels, job.workspace);
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

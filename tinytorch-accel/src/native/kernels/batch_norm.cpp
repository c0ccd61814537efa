// Batch norm (Ioffe & Szegedy 2015): each channel brought to mean 0 and variance 1 over the batch and all places, then
// scaled and shifted as learned.
//
//   mean = sum(x) / n,   rstd = 1 / sqrt(sum(x^2) / n - mean^2 + eps)                          (algorithm 1)
//   z = (x - mean) * rstd,   out = z * weight + bias
//
// Sums are in float64. The square of a float32 is exact there, so the difference of the two large numbers that a
// variance is keeps more digits than the result has, and one pass is enough.
//
// Backward, with both sums of the first pass and by_x of a second:
//
//   by_bias = sum(grad),   by_weight = sum(grad * (x - mean)) * rstd
//   by_x = weight * rstd * (grad - by_bias / n - z * by_weight / n)
//
// With averages of the past (batch_norm_inference) it is one product and one sum for each number.
//
// An array is (outer, channels, inner). Channels-last images and plain features have inner 1: a vector is W channels,
// and what belongs to them stays in registers while the rows of a block go by. Otherwise a vector is W places of one
// channel. Sums are cut into blocks by size, never by threads.

#include "kernels.h"
#include "pool.h"
#include "rows.h"

namespace ISA {
namespace {

typedef float Half __attribute__((vector_size(2 * W)));
typedef double Doubles __attribute__((vector_size(4 * W)));

// W numbers in float64.
struct Wide {
    explicit Wide(Vector x) {
        Half halves[2];
        __builtin_memcpy(halves, &x, sizeof x);
        low = __builtin_convertvector(halves[0], Doubles), high = __builtin_convertvector(halves[1], Doubles);
    }
    Doubles low, high;
};

// Which channel, or W of them, a vector has.
struct Lanes {
    Vector of(const float* values) const { return alike ? all(values[channel]) : load(values + channel, count); }
    Vector of(const float* values, float otherwise) const { return values ? of(values) : all(otherwise); }
    size_t channel, count;
    bool alike;
};

// Calls step(at, count) for the numbers of [begin, end): rows where inner is 1, planes of one channel elsewhere;
// `make(lanes)` gives the step for a vector's channels.
template <class Make>
[[gnu::flatten]] inline void each_number(const ChannelShape& shape, size_t begin, size_t end, Make make) {
    const size_t channels = shape.channels, inner = shape.inner;
    if (inner == 1) {
        each_vector(channels, [&](size_t channel, size_t count) {
            auto step = make(Lanes{channel, count, false});
            for (size_t row = begin; row < end; row++) step(row * channels + channel, count);
        });
    } else {
        for (size_t plane = begin; plane < end; plane++) {
            auto step = make(Lanes{plane % channels, 1, true});
            each_vector(inner, [&](size_t i, size_t count) { step(plane * inner + i, count); });
        }
    }
}

template <class Make> void everywhere(const ChannelShape& shape, Make make) {
    const size_t units = shape.inner == 1 ? shape.outer : shape.outer * shape.channels;
    const size_t width = shape.inner == 1 ? shape.channels : shape.inner;
    in_blocks(units, rows_in_block(width), [&](size_t begin, size_t end) { each_number(shape, begin, end, make); });
}

// Two sums of each channel, for W channels or for one in W parts.
struct Sums {
    Doubles total[2][2] = {};
    void add(size_t which, Wide x) { total[which][0] += x.low, total[which][1] += x.high; }
    void add_product(size_t which, Wide x, Wide y) {
        total[which][0] += x.low * y.low, total[which][1] += x.high * y.high;
    }
    void put(size_t which, const Lanes& lanes, double* to) const {
        double each[W], whole = 0.0;
        __builtin_memcpy(each, total[which], sizeof each);
        if (!lanes.alike) {
            for (size_t i = 0; i < lanes.count; i++) to[lanes.channel + i] = each[i];
            return;
        }
        for (size_t i = 0; i < W; i++) whole += each[i];
        to[lanes.channel] = whole;
    }
};

// The sums of rows [begin, end), where inner is 1; `make(lanes)` gives the step that adds a vector to Sums.
template <class Make>
[[gnu::flatten]] inline void sum_rows(const ChannelShape& shape, size_t begin, size_t end, double* to, Make make) {
    const size_t channels = shape.channels;
    each_vector(channels, [&](size_t channel, size_t count) {
        const Lanes lanes{channel, count, false};
        auto step = make(lanes);
        Sums sums;
        for (size_t row = begin; row < end; row++) step(sums, row * channels + channel, count);
        for (size_t which = 0; which < 2; which++) sums.put(which, lanes, to + which * channels);
    });
}

// The sums of one image's planes.
template <class Make>
[[gnu::flatten]] inline void sum_planes(const ChannelShape& shape, size_t image, double* to, Make make) {
    for (size_t channel = 0; channel < shape.channels; channel++) {
        const Lanes lanes{channel, 1, true};
        auto step = make(lanes);
        Sums sums;
        const size_t begin = (image * shape.channels + channel) * shape.inner;
        each_vector(shape.inner, [&](size_t i, size_t count) { step(sums, begin + i, count); });
        for (size_t which = 0; which < 2; which++) sums.put(which, lanes, to + which * shape.channels);
    }
}

// The two sums of each channel, (2, channels), at the beginning of the workspace.
template <class Make> const double* sums_of(const ChannelShape& shape, double* workspace, Make make) {
    const size_t blocks = batch_norm_blocks(shape), both = 2 * shape.channels;
    const size_t size = shape.outer * shape.channels * shape.inner;
    in_blocks(blocks, size < 2 * BLOCK ? blocks : 1, [&](size_t begin, size_t end) {
        for (size_t block = begin; block < end; block++) {
            double* to = workspace + block * both;
            if (shape.inner == 1)
                sum_rows(shape, shape.outer * block / blocks, shape.outer * (block + 1) / blocks, to, make);
            else
                sum_planes(shape, block, to, make);
        }
    });
    for (size_t block = 1; block < blocks; block++)
        for (size_t i = 0; i < both; i++) workspace[i] += workspace[block * both + i];
    return workspace;
}

void batch_norm(const BatchNorm& job) {
    const ChannelShape& shape = job.shape;
    const double* sums = sums_of(shape, job.workspace, [&](const Lanes&) {
        return [x = job.x](Sums& sums, size_t at, size_t count) {
            const Wide number(load(x + at, count));
            sums.add(0, number);
            sums.add_product(1, number, number);
        };
    });
    const double n = static_cast<double>(shape.outer * shape.inner);
    for (size_t channel = 0; channel < shape.channels; channel++) {
        const double mean = sums[channel] / n, variance = sums[shape.channels + channel] / n - mean * mean;
        job.mean[channel] = static_cast<float>(mean);
        job.rstd[channel] = 1.0f / __builtin_sqrtf(static_cast<float>(variance < 0.0 ? 0.0 : variance) + job.eps);
    }
    everywhere(shape, [&](const Lanes& lanes) {
        const Vector mean = lanes.of(job.mean), rstd = lanes.of(job.rstd);
        const Vector weight = lanes.of(job.weight, 1.0f), bias = lanes.of(job.bias, -0.0f);
        return [=, x = job.x, out = job.out](size_t at, size_t count) {
            store(out + at, (load(x + at, count) - mean) * rstd * weight + bias, count);
        };
    });
}

void batch_norm_grad(const BatchNormGrad& job) {
    const ChannelShape& shape = job.shape;
    const double* sums = sums_of(shape, job.workspace, [&](const Lanes& lanes) {
        return [x = job.x, grad = job.grad, mean = Wide(lanes.of(job.mean))](Sums& sums, size_t at, size_t count) {
            Wide centred(load(x + at, count));
            const Wide arrived(load(grad + at, count));
            centred.low -= mean.low, centred.high -= mean.high;
            sums.add(0, arrived);
            sums.add_product(1, centred, arrived);
        };
    });
    for (size_t channel = 0; channel < shape.channels; channel++) {
        job.by_bias[channel] = static_cast<float>(sums[channel]);
        job.by_weight[channel] = static_cast<float>(sums[shape.channels + channel] * job.rstd[channel]);
    }
    const float n = static_cast<float>(shape.outer * shape.inner);
    everywhere(shape, [&](const Lanes& lanes) {
        const Vector mean = lanes.of(job.mean), rstd = lanes.of(job.rstd), scale = rstd * lanes.of(job.weight, 1.0f);
        const Vector by_weight = lanes.of(job.by_weight) / n, by_bias = lanes.of(job.by_bias) / n;
        return [=, x = job.x, grad = job.grad, by_x = job.by_x](size_t at, size_t count) {
            const Vector z = (load(x + at, count) - mean) * rstd;
            store(by_x + at, (load(grad + at, count) - (z * by_weight + by_bias)) * scale, count);
        };
    });
}

void batch_norm_inference(const BatchNormInference& job) {
    everywhere(job.shape, [&](const Lanes& lanes) {
        const Vector scale = lanes.of(job.weight, 1.0f) / root(lanes.of(job.variance) + job.eps);
        const Vector shift = lanes.of(job.bias, -0.0f) - scale * lanes.of(job.mean);
        return [=, x = job.x, out = job.out](size_t at, size_t count) {
            store(out + at, load(x + at, count) * scale + shift, count);
        };
    });
}

}  // namespace

void add_batch_norm(Kernels& table) {
    table.batch_norm = batch_norm;
    table.batch_norm_grad = batch_norm_grad;
    table.batch_norm_inference = batch_norm_inference;
}

}  // namespace ISA

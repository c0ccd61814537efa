// The kernels by name: one table for each instruction set, one of which is chosen at import.
//
// A kernel knows nothing of Python. It takes pointers to float32 numbers that lie in a row, all of one kind of shape,
// and writes every number of its outputs. It may use the thread pool; its bits do not depend on the number of threads.

#pragma once

#include <cstddef>

struct Kernels {
    const char* isa;

    // kernels/gelu.cpp
    void (*gelu)(const float* x, float* out, float* share, std::size_t size);
    void (*gelu_tanh)(const float* x, float* out, float* share, std::size_t size);
    void (*gelu_grad)(const float* grad, const float* x, const float* share, float* out, std::size_t size);
    void (*gelu_tanh_grad)(const float* grad, const float* x, const float* share, float* out, std::size_t size);

    // kernels/layer_norm.cpp; weight and bias may be null, partial sums are workspace
    void (*layer_norm)(const struct LayerNorm& job);
    void (*layer_norm_grad)(const struct LayerNormGrad& job);
};

struct LayerNorm {
    const float *x, *weight, *bias;
    float *out, *mean, *rstd;
    std::size_t rows, width;
    float eps;
};

struct LayerNormGrad {
    const float *grad, *x, *weight, *mean, *rstd;
    float *by_x, *by_weight, *by_bias;
    float* workspace;  // layer_norm_workspace(rows, width) numbers
    std::size_t rows, width;
};

// The weight's gradient is a sum over rows. It is summed in this many blocks of rows, whatever the number of threads,
// and then over the blocks, so that the order of the sum is always the same.
constexpr std::size_t LAYER_NORM_BLOCKS = 16;

inline std::size_t layer_norm_workspace(std::size_t rows, std::size_t width) {
    return 2 * width * (rows < LAYER_NORM_BLOCKS ? rows : LAYER_NORM_BLOCKS);
}

const Kernels& kernels();                     // of the instruction set in force
const char* choose_kernels(const char* isa);  // null or "": the best there is; returns what is wrong, or null

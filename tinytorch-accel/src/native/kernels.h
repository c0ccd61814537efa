// The kernels by name: one table for each instruction set, one of which is chosen at import.
//
// A kernel knows nothing of Python. It takes pointers to float32 numbers that lie in a row, all of one kind of shape,
// and writes every number of its outputs. It may use the thread pool; its bits do not depend on the number of threads.

#pragma once

#include <cstddef>
#include <cstdint>

using ElementwiseOne = void (*)(const float* x, float* out, std::size_t size);
using ElementwiseGrad = void (*)(const float* grad, const float* x, float* out, std::size_t size);
using ElementwiseTwo = void (*)(const struct Pair& job);

struct Kernels {
    const char* isa;

    // kernels/sums.cpp
    void (*sum)(const struct Sum& job);

    // kernels/arithmetic.cpp; `_from` has its operands exchanged
    ElementwiseTwo add, subtract, subtract_from, multiply, divide, divide_from;
    ElementwiseOne negative, absolute, sqrt;
    ElementwiseGrad tanh_grad, sigmoid_grad;
    void (*dropout)(const float* x, const unsigned char* mask, float scale, float* out, std::size_t size);
    void (*select)(const struct Select& job);
    void (*clip)(const float* x, const float* low, const float* high, float* out, std::size_t size);  // one may be null

    // kernels/functions.cpp
    ElementwiseOne exp, log, tanh, sigmoid, silu;
    ElementwiseGrad silu_grad;
    void (*softplus)(const float* x, float beta, float threshold, float* out, std::size_t size);

    // kernels/gelu.cpp
    void (*gelu)(const float* x, float* out, float* share, std::size_t size);
    void (*gelu_tanh)(const float* x, float* out, float* share, std::size_t size);
    void (*gelu_grad)(const float* grad, const float* x, const float* share, float* out, std::size_t size);
    void (*gelu_tanh_grad)(const float* grad, const float* x, const float* share, float* out, std::size_t size);

    // kernels/layer_norm.cpp; weight and bias may be null, partial sums are workspace
    void (*layer_norm)(const struct LayerNorm& job);
    void (*layer_norm_grad)(const struct LayerNormGrad& job);

    // kernels/rms_norm.cpp; weight may be null
    void (*rms_norm)(const struct RmsNorm& job);
    void (*rms_norm_grad)(const struct RmsNormGrad& job);

    // kernels/rotary.cpp, kernels/embedding.cpp
    void (*rotary)(const struct Rotary& job);
    void (*embedding)(const struct Embedding& job);
    void (*embedding_grad)(const struct EmbeddingGrad& job);

    // kernels/matmul.cpp
    void (*matmul)(const struct Product& job);
    std::size_t (*matmul_workspace)(const struct Product& job);

    // kernels/batch_norm.cpp
    void (*batch_norm)(const struct BatchNorm& job);
    void (*batch_norm_grad)(const struct BatchNormGrad& job);
    void (*batch_norm_inference)(const struct BatchNormInference& job);

    // kernels/relu.cpp
    void (*relu)(const float* x, float* out, std::size_t size);
    void (*relu_grad)(const float* grad, const float* x, float* out, std::size_t size);

    // kernels/max_pool.cpp, sum_pool.cpp, conv.cpp, conv_weight_grad.cpp; images come in either order and go
    // channels-last
    void (*max_pool)(const struct MaxPool& job);
    void (*max_pool_grad)(const struct MaxPoolGrad& job);
    void (*sum_pool)(const struct SumPool& job);
    void (*sum_pool_grad)(const struct SumPool& job);
    void (*conv)(const struct Conv& job);
    std::size_t (*conv_workspace)(const struct Conv& job);
    void (*conv_input_grad)(const struct Conv& job);
    std::size_t (*conv_input_grad_workspace)(const struct Conv& job);
    void (*conv_weight_grad)(const struct ConvWeightGrad& job);
    std::size_t (*conv_weight_grad_workspace)(const struct ConvWeightGrad& job);

    // kernels/int8_conv.cpp, int8_codes.cpp: codes of tinytorch-quant's ops
    void (*int8_conv)(const struct Int8Conv& job);
    std::size_t (*int8_conv_workspace)(const struct Int8Conv& job);
    void (*int8_quantize)(const float* x, std::int8_t* out, std::size_t size, float inverse, std::int32_t zero_point);
    void (*int8_dequantize)(const std::int8_t* x, float* out, std::size_t size, float scale, float zero_point);
    void (*int8_add)(const struct Int8Add& job);
    void (*int8_mean)(const struct Int8Mean& job);
    void (*int8_softmax)(const std::int8_t* x, const std::int32_t* table, std::int8_t* out, std::size_t rows,
                         std::size_t width);

    // kernels/steps.cpp
    void (*sgd_step)(const struct SgdStep& job);
    void (*adam_step)(const struct AdamStep& job);

    // kernels/softmax.cpp: rows of `width` numbers
    void (*softmax)(const float* x, float* out, std::size_t rows, std::size_t width);
    void (*log_softmax)(const float* x, float* out, std::size_t rows, std::size_t width);
    void (*softmax_grad)(const float* grad, const float* out, float* by_x, std::size_t rows, std::size_t width);
    void (*log_softmax_grad)(const float* grad, const float* out, float* by_x, std::size_t rows, std::size_t width);

    // kernels/cross_entropy.cpp
    void (*cross_entropy)(const struct CrossEntropy& job);
    void (*cross_entropy_grad)(const struct CrossEntropyGrad& job);

    // kernels/attention.cpp
    void (*attention)(const struct Attention& job);
    void (*attention_grad)(const struct AttentionGrad& job);
};

// `size` numbers at x, each with one of y: each of `count` with `run` of x in a row, and then the first again.
struct Pair {
    const float *x, *y;
    float* out;
    std::size_t size, count, run;
};

// Where the condition holds a number of `yes`, elsewhere one of `no`; the same each time where it is one.
struct Select {
    const unsigned char* condition;
    const float *yes, *no;
    float* out;
    std::size_t size;
    bool one_yes, one_no;
};

// x is (outer, rows, inner), out (outer, inner).
struct Sum {
    const float* x;
    float* out;
    double* workspace;
    std::size_t outer, rows, inner;
    float divisor;
};

// Into how many parts the rows of each sum are cut, so that threads have some to do; at most 16.
inline std::size_t sum_cuts(const Sum& job) {
    const std::size_t wanted = job.rows * job.inner >> 17, most = job.outer < 16 && job.rows > 127 ? 16 : 1;
    return wanted < 1 ? 1 : wanted < most ? wanted : most;
}

inline std::size_t sum_workspace(const Sum& job) {
    return sum_cuts(job) == 1 ? 0 : job.outer * sum_cuts(job) * job.inner;
}

// Numbers in rows and columns; distances in numbers.
struct Matrix {
    const float* data;
    std::ptrdiff_t row, column;
    const float* at(std::size_t i, std::size_t j) const {
        return data + static_cast<std::ptrdiff_t>(i) * row + static_cast<std::ptrdiff_t>(j) * column;
    }
    Matrix moved(std::ptrdiff_t by) const { return {data + by, row, column}; }
};

// `batch` products (rows, inner) @ (inner, columns), one behind the other in out; bias, of `columns` numbers, may be null.
struct Product {
    Matrix a, b;
    const float* bias;
    float* out;
    std::size_t rows, inner, columns, batch;
    const std::ptrdiff_t *a_places, *b_places;  // where each one's a and b are
    float* workspace;
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

// (outer, channels, inner) in memory; where the channels are last, inner is 1.
struct ChannelShape {
    std::size_t outer, channels, inner;
};

struct BatchNorm {
    const float *x, *weight, *bias;  // the latter two may be null
    float *out, *mean, *rstd;
    double* workspace;  // batch_norm_workspace(shape) floats
    ChannelShape shape;
    float eps;
};

struct BatchNormGrad {
    const float *grad, *x, *weight, *mean, *rstd;
    float *by_x, *by_weight, *by_bias;
    double* workspace;
    ChannelShape shape;
};

struct BatchNormInference {
    const float *x, *mean, *variance, *weight, *bias;
    float* out;
    ChannelShape shape;
    float eps;
};

// Blocks that are summed each for itself: images, or at most 16 with as many rows where the channels are last.
inline std::size_t batch_norm_blocks(const ChannelShape& shape) {
    return shape.inner > 1 || shape.outer < 16 ? shape.outer : 16;
}

inline std::size_t batch_norm_workspace(const ChannelShape& shape) {
    return batch_norm_blocks(shape) * shape.channels * 2 * (sizeof(double) / sizeof(float));
}

struct RmsNorm {
    const float *x, *weight;
    float *out, *rrms;
    std::size_t rows, width;
    float eps;
};

struct RmsNormGrad {
    const float *grad, *x, *weight, *rrms;
    float *by_x, *by_weight;
    float* workspace;  // rms_norm_workspace(rows, width) numbers
    std::size_t rows, width;
};

inline std::size_t rms_norm_workspace(std::size_t rows, std::size_t width) {
    return layer_norm_workspace(rows, width) / 2;
}

// Rows of a table by number, each from 0 to the table's rows - 1.
struct Embedding {
    const float* weight;
    const std::int64_t* indices;
    float* out;
    std::size_t count, width;
};

struct EmbeddingGrad {
    const float* grad;
    const std::int64_t* indices;
    float* out;
    std::size_t count, rows, width;
};

// A part of a parameter, its gradient and what the optimizer remembers of it; null where it remembers less.
struct Piece {
    float* param;
    const float* grad;
    float *first, *second, *third;
    std::size_t size;
};

struct SgdStep {
    const Piece* pieces;          // first: the velocity
    std::size_t count, together;  // so many pieces are worth handing to a thread
    float lr, momentum, undamped, decay;
    bool is_first, nesterov, maximize;
};

struct AdamStep {
    const Piece* pieces;  // first: the mean, second: the mean square, third: the largest of these
    std::size_t count, together;
    float kept, decay;  // of the parameter, into the gradient
    float mean_share, square_kept, square_share, square_root, eps, rate;
    bool maximize;
};

struct CrossEntropy {
    const float* scores;
    const std::int64_t* target;  // each from 0 to width - 1
    float *loss, *log_sums;
    std::size_t rows, width;
};

struct CrossEntropyGrad {
    const float* grad;
    std::ptrdiff_t grad_step;
    const float* scores;
    const std::int64_t* target;
    const float* log_sums;
    float* by_scores;
    std::size_t rows, width;
};

// (batch, heads, time, width) somewhere in memory: the numbers of a vector in a row, other distances in numbers.
template <class Number> struct Four {
    Number* data;
    std::ptrdiff_t batch, head, time;
    Number* row(std::size_t b, std::size_t h, std::size_t t) const {
        return data + static_cast<std::ptrdiff_t>(b) * batch + static_cast<std::ptrdiff_t>(h) * head +
               static_cast<std::ptrdiff_t>(t) * time;
    }
};

struct Rotary {
    Four<const float> x, cos, sin;
    Four<float> out;
    std::size_t batch, heads, time, half;  // `half` pairs of numbers a vector
    bool interleaved;
};

// Who takes part (bools), or what is added to the scores (floats), or neither; distances in numbers, 0 where all of a
// dimension have the same.
struct Mask {
    const float* added;
    const unsigned char* seen;
    std::ptrdiff_t batch, head, time, key;
};

// A score under the mask at this place.
inline float masked(const Mask& mask, std::ptrdiff_t place, float score) {
    return score + (mask.added ? mask.added[place] : mask.seen[place] ? 0.0f : -__builtin_inff());
}

struct Attention {
    Four<const float> q, k, v;
    Mask mask;
    Four<float> out;
    float* log_sums;
    std::size_t batch, heads, key_heads, time, keys, width, out_width;  // no width above LONGEST_VECTOR
    float scale;
    bool causal;
};

struct AttentionGrad {
    Attention forward;  // its out and log_sums are read
    Four<const float> grad;
    Four<float> by_q, by_k, by_v;
};

constexpr std::size_t LONGEST_VECTOR = 128;

// (batch, channels, height, width), in memory in this order or, channels_last, as (batch, height, width, channels).
struct Images {
    const float* data;
    std::size_t batch, channels, height, width;
    bool channels_last;
};

// Vertical and horizontal.
struct Window {
    std::size_t kernel[2], stride[2], before[2], after[2], dilation[2];
};

struct MaxPool {
    Images x;
    Window window;
    std::size_t height, width;  // of the output
    float* out;
    unsigned char* place;
    float* workspace;  // as many numbers as x has, where x is not channels-last
};

struct MaxPoolGrad {
    Images grad;
    const unsigned char* place;  // channels-last
    Window window;
    std::size_t height, width;  // of the output
    bool apart;                 // no number is in two windows
    float* out;
    float* workspace;  // as many numbers as grad has, where it is not channels-last
};

// Backward, x is the gradient, out the input's.
struct SumPool {
    Images x;
    Window window;              // its dilation is 1
    std::size_t height, width;  // of out
    float* out;
    float* workspace;  // as many numbers as x has, where x is not channels-last
};

// The input's gradient has the same arguments: x is the gradient, out the input's, weight as it is for forward.
struct Conv {
    Images x;
    const float *weight, *bias;
    float* out;
    std::size_t out_channels, height, width;
    Window window;
    std::size_t groups;  // 1 where depthwise: each channel by itself
    bool depthwise;
    int threads;  // that may take part: each has its own part of the workspace
    float* workspace;
};

// The zeros that the gradient of the output needs around it: before the first row or column, and behind the last.
inline std::size_t input_grad_frame(const Window& window, int dim) {
    const std::size_t taps = (window.kernel[dim] + window.stride[dim] - 1) / window.stride[dim];
    return (taps - 1) * window.dilation[dim];
}

inline std::size_t input_grad_frame(const Window& window, int dim, std::size_t size, std::size_t windows) {
    const std::size_t last = (size - 1 + window.before[dim]) / window.stride[dim] + 1;
    return last > windows ? last - windows : 0;
}

struct ConvWeightGrad {
    Images grad, x;
    float* out;
    Window window;
    std::size_t groups;  // 1 where depthwise: each channel by itself
    bool depthwise;
    int threads;  // as of Conv
    float* workspace;
};

constexpr std::size_t MOST_PLACES = 256;  // of a depthwise window

// Codes, (batch, height, width, channels) -> (batch, out_height, out_width, outs). A linear layer has one pixel a row.
struct Int8Conv {
    const std::int8_t* x;
    std::size_t batch, channels, height, width;
    std::size_t image_step, row_step, pixel_step, channel_step;  // to the next one
    const std::int8_t* weight;                                   // (outs, kh, kw, channels), depthwise (outs, kh, kw)
    const std::int32_t *bias, *mantissa;
    const std::int8_t* shift;  // none above 0
    std::int8_t* out;
    std::size_t outs, out_height, out_width;
    Window window;
    bool depthwise, rounds_once;
    std::int32_t fill, zero_point, low, high;
    float* workspace;
};

// What a code counts in an addition, and how a sum is made a code; no shift is above 0.
struct Int8Unit {
    std::int32_t zero_point, mantissa, shift;
};

struct Int8Add {
    const std::int8_t *a, *b;
    Int8Unit a_unit, b_unit;
    std::int8_t* out;
    std::size_t size;
    std::int32_t mantissa, shift, zero_point, low, high;
};

// (batch, pixels, channels) -> (batch, channels).
struct Int8Mean {
    const std::int8_t* x;
    std::int8_t* out;
    std::size_t batch, pixels, channels;
    std::int32_t low, high;
};

const Kernels& kernels();                     // of the instruction set in force
const char* choose_kernels(const char* isa);  // null or "": the best there is; returns what is wrong, or null

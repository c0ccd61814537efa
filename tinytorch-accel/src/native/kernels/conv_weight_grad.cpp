// The gradient of a convolution's weight: for each place of the window, input and output channel a sum over pixels.
//
//   out[o, c, i, j] = sum over images and (y, x) of grad[y, x, o] * in[y s - p + i d, x s - p + j d, c]
//
// That is a product of matrices: rows are (i, j, c), columns o, and what is summed over are the pixels. A tile of
// ROWS x 2 W sums stays in registers while some rows of an image go by; a row is a pointer, since where the pixel
// moves, all rows move by the same distance. Images are brought into their frames some rows at a time, for the thread
// that sums them. Each tile is then added to the sums of its part of the batch, and these
// are added at the end: parts are cut by size, not by threads, and sums of sums round less than one long sum. Where
// channels are in groups, each group is such a product.
//
// Depthwise, rows are the places (i, j), and the tile is W channels wide.

#include "images.h"
#include "kernels.h"
#include "pool.h"
#include "simd.h"

namespace ISA {
namespace {

constexpr size_t ROWS = W == 16 ? 12 : 6;
constexpr size_t WORK = 2000000;  // multiplications that are worth handing to another thread
constexpr size_t TOGETHER = 256;  // pixels that go by a tile: what they need stays in the first-level cache

size_t rows_of(const ConvWeightGrad& job) {
    return job.window.kernel[0] * job.window.kernel[1] * (job.depthwise ? 1 : job.x.channels / job.groups);
}

// Parts of the batch that are summed each for itself: 16, fewer where the sums would take more than 1 MiB, at least 4.
size_t parts_of(const ConvWeightGrad& job) {
    size_t parts = smaller(job.x.batch, 16);
    while (parts > 4 && parts * rows_of(job) * job.grad.channels > (1 << 18)) parts--;
    return parts;
}

// What a job needs to be computed, and how much memory for it.
struct Plan {
    explicit Plan(const ConvWeightGrad& job) : frame(frame_of(job.window)) {
        const Window& window = job.window;
        const Images& grad = job.grad;
        columns = grad.channels / job.groups, columns_in_sums = up_to_multiple(columns, W);
        step = grad.channels - columns + columns_in_sums;
        row = frame.width(job.x) * job.x.channels;
        in_place = lies_ready(job.x, frame);
        at_once = divided_up(TOGETHER, grad.width);
        const size_t reach = (window.kernel[0] - 1) * window.dilation[0] + 1;
        in_strip = up_to_multiple(windows_in_strip(row, reach, window.stride[0]), at_once);
        in_strip = smaller(in_strip, grad.height);
        strip_rows = (in_strip - 1) * window.stride[0] + reach;
        strip = in_place ? 0 : up_to_multiple(strip_rows * row, 16);
        offsets = rows_of(job) * sizeof(size_t) / sizeof(float);
        const bool copied = !grad.channels_last || step != grad.channels;
        grads = copied ? grad.batch * grad.height * grad.width * step : 0;
        sums = parts_of(job) * job.groups * rows_of(job) * columns_in_sums;
        threads = smaller(job.threads, parts_of(job));
    }
    size_t workspace() const { return offsets + grads + sums + threads * strip; }

    Frame frame;
    size_t columns, columns_in_sums;       // a group's channels of the gradient, and up to a multiple of W
    size_t step;                           // numbers between pixels of the gradient
    size_t row;                            // numbers of the input in its frame
    bool in_place;                         // the input lies as it is read
    size_t at_once, in_strip, strip_rows;  // rows of the gradient that go by, that are in a strip; of the input there
    size_t offsets, grads, sums, strip;    // numbers of workspace; a strip is a thread's
    size_t threads;                        // that have something to do
};

struct Sums {
    const ConvWeightGrad& job;
    const Plan& plan;
    const float* grads;
    const size_t* offsets;  // where each row of the product is in the first window
    size_t rows() const { return rows_of(job); }
    size_t size() const { return rows() * plan.columns_in_sums; }  // of a group
};

// Rows [begin, end) of one image's output, and 2 W columns of a group's gradient: so many numbers from pixel to pixel.
struct Piece {
    size_t group, image, begin, end;
    const float* images;  // under the first of them
    const float* grad;
    size_t step;
};

template <size_t VECTORS, bool DEPTHWISE, bool WHOLE = true>
[[gnu::flatten]] void add_tile(const Sums& sums, const Piece& piece, size_t first, size_t column, float* to) {
    const size_t rows = sums.rows(), width = sums.job.grad.width;
    const size_t count = rows - first < ROWS ? rows - first : ROWS;
    const float* at[ROWS];
    const size_t channel = DEPTHWISE ? column : piece.group * (sums.job.x.channels / sums.job.groups);
    const float* start = piece.images + channel;
    for (size_t i = 0; i < ROWS; i++) at[i] = start + sums.offsets[first + (i < count ? i : count - 1)];
    const size_t lanes = WHOLE ? W : sums.job.x.channels - column;
    const size_t step = sums.job.x.channels * sums.job.window.stride[1];
    const size_t row = sums.job.window.stride[0] * sums.plan.row;
    const float* grad = piece.grad;
    Vector total[ROWS][VECTORS] = {};
    for (size_t y = piece.begin; y < piece.end; y++) {
        size_t k = (y - piece.begin) * row;
        for (size_t x = 0; x < width; x++, k += step, grad += piece.step) {
            Vector arrived[VECTORS];
            unrolled<VECTORS>([&](size_t v) { arrived[v] = load(grad + v * W, W); });
            unrolled<ROWS>([&](size_t i) {
                const Vector met = DEPTHWISE ? load(at[i] + k, lanes) : all(at[i][k]);
                unrolled<VECTORS>([&](size_t v) { total[i][v] += met * arrived[v]; });
            });
        }
    }
    unrolled<ROWS>([&](size_t i) {
        float* place = to + (first + i) * sums.plan.columns_in_sums + column;
        unrolled<VECTORS>([&](size_t v) {
            if (i < count) store(place + v * W, load(place + v * W, W) + total[i][v], W);
        });
    });
}

// Some columns of the gradient of a piece, brought together where they fit: pixels that are a power of two apart would
// push each other out of the cache.
Piece taken_piece(const Sums& sums, Piece piece, size_t column, size_t width, float* copy) {
    const Images& grad = sums.job.grad;
    const size_t pixels = (piece.end - piece.begin) * grad.width;
    piece.grad = sums.grads + (piece.image * grad.height + piece.begin) * grad.width * sums.plan.step +
                 piece.group * sums.plan.columns + column;
    piece.step = sums.plan.step;
    if (pixels > 2 * TOGETHER || sums.plan.step == width) return piece;
    for (size_t i = 0; i < pixels; i++)
        for (size_t k = 0; k < width; k += W) store(copy + i * width + k, load(piece.grad + i * piece.step + k, W), W);
    piece.grad = copy;
    piece.step = width;
    return piece;
}

void add_piece(const Sums& sums, const Piece& piece, float* to) {
    const bool depthwise = sums.job.depthwise;
    float copy[2 * TOGETHER * 2 * W];
    for (size_t column = 0, width; column < sums.plan.columns; column += width) {
        width = depthwise || column + W >= sums.plan.columns_in_sums ? W : 2 * W;
        const bool whole = column + W <= sums.job.x.channels;
        const auto dense = width == W ? add_tile<1, false> : add_tile<2, false>;
        const auto kernel = !depthwise ? dense : whole ? add_tile<1, true> : add_tile<1, true, false>;
        const Piece taken = taken_piece(sums, piece, column, width, copy);
        for (size_t first = 0; first < sums.rows(); first += ROWS) kernel(sums, taken, first, column, to);
    }
}

// The rows [first, end) of one image, under which `images` lies.
void add_rows(const Sums& sums, size_t image, size_t first, size_t end, const float* images, float* to) {
    const size_t at_once = sums.plan.at_once, below = sums.job.window.stride[0] * sums.plan.row;
    for (size_t y = first; y < end; y += at_once)
        for (size_t group = 0; group < sums.job.groups; group++)
            add_piece(sums, {group, image, y, smaller(y + at_once, end), images + (y - first) * below, nullptr, 0},
                      to + group * sums.size());
}

void add_image(const Sums& sums, size_t image, float* strip, float* to) {
    const ConvWeightGrad& job = sums.job;
    const Plan& plan = sums.plan;
    const size_t height = job.grad.height;
    if (plan.in_place) return add_rows(sums, image, 0, height, job.x.data + image * job.x.height * plan.row, to);
    for (size_t y = 0, end; y < height; y = end) {
        end = smaller(y + plan.in_strip, height);
        const size_t rows = plan.strip_rows - (plan.in_strip - (end - y)) * job.window.stride[0];
        copy_rows(job.x, plan.frame, image, y * job.window.stride[0], rows, strip);
        add_rows(sums, image, y, end, strip, to);
    }
}

// The sums of the parts, (parts, groups, rows, columns), added to the first of them and brought into the weight's
// order.
void gather(const Sums& sums, float* parts, size_t count) {
    const ConvWeightGrad& job = sums.job;
    const size_t places = job.window.kernel[0] * job.window.kernel[1], rows = sums.rows();
    const size_t channels = rows / places, size = job.groups * sums.size();
    each_vector(size, [=](size_t i, size_t lanes) {
        Vector total = load(parts + i, lanes);
        for (size_t part = 1; part < count; part++) total += load(parts + part * size + i, lanes);
        store(parts + i, total, lanes);
    });
    for (size_t out = 0; out < job.grad.channels; out++) {
        const float* column = parts + out / sums.plan.columns * sums.size() + out % sums.plan.columns;
        for (size_t channel = 0; channel < channels; channel++)
            for (size_t place = 0; place < places; place++)
                job.out[(out * channels + channel) * places + place] =
                    column[(place * channels + channel) * sums.plan.columns_in_sums];
    }
}

void find_offsets(const ConvWeightGrad& job, size_t row, size_t* offsets) {
    const Window& window = job.window;
    for (size_t i = 0; i < window.kernel[0]; i++)
        for (size_t j = 0; j < window.kernel[1]; j++)
            for (size_t channel = 0; channel < (job.depthwise ? 1 : job.x.channels / job.groups); channel++)
                *offsets++ = i * window.dilation[0] * row + j * window.dilation[1] * job.x.channels + channel;
}

void conv_weight_grad(const ConvWeightGrad& job) {
    const Plan plan(job);
    size_t* offsets = reinterpret_cast<size_t*>(job.workspace);
    float* const grad_copy = job.workspace + plan.offsets;
    float* const sums_of_parts = grad_copy + plan.grads;
    float* const strips = sums_of_parts + plan.sums;
    find_offsets(job, plan.row, offsets);
    const Sums sums{job, plan, in_order(job.grad, plan.step, grad_copy), offsets};
    const size_t parts = parts_of(job), size = job.groups * sums.size(), batch = job.x.batch;
    const size_t work = sums.rows() * job.grad.channels * job.grad.height * job.grad.width * batch;
    in_blocks_of_threads(parts, work < WORK ? parts : 1, static_cast<int>(plan.threads),
                         [&](size_t begin, size_t end, int thread) {
                             for (size_t part = begin; part < end; part++) {
                                 fill_zeros(sums_of_parts + part * size, size);
                                 for (size_t image = batch * part / parts; image < batch * (part + 1) / parts; image++)
                                     add_image(sums, image, strips + thread * plan.strip, sums_of_parts + part * size);
                             }
                         });
    gather(sums, sums_of_parts, parts);
}

size_t conv_weight_grad_workspace(const ConvWeightGrad& job) { return Plan(job).workspace(); }

}  // namespace

void add_conv_weight_grad(Kernels& table) {
    table.conv_weight_grad = conv_weight_grad;
    table.conv_weight_grad_workspace = conv_weight_grad_workspace;
}

}  // namespace ISA

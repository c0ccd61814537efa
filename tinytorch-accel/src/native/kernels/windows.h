// Which places of which windows meet which pixels, along one dimension of an image.

#pragma once

#include "kernels.h"
#include "simd.h"

namespace ISA {
namespace {

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

// The windows [begin, end) whose place `place` lies in the image, and at which of its `size` positions.
struct Meeting {
    Meeting(const Window& window, int dim, size_t place, size_t size, size_t windows)
        : stride(window.stride[dim]), offset(place * window.dilation[dim]), before(window.before[dim]) {
        begin = offset < before ? (before - offset + stride - 1) / stride : 0;
        const size_t room = size + before > offset ? (size + before - offset + stride - 1) / stride : 0;
        end = room < windows ? room : windows;
    }
    size_t position(size_t window) const { return window * stride + offset - before; }
    size_t begin, end, stride, offset, before;
};

// The places of windows that are at position `at` of the image: whether there is a window, and which.
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

}  // namespace
}  // namespace ISA

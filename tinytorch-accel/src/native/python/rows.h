// Arguments of ops that normalize the last dimensions.

#pragma once

#include "arrays.h"

namespace arrays {

// A shape like x's, with 1 for the dimensions that are normalized: that of what there is one of in a row.
struct PerRow {
    PerRow(const Input& x, int ndim) : dims(PyArray_NDIM(x.array)) {
        for (int i = 0; i < dims; i++) shape[i] = i < dims - ndim ? PyArray_DIM(x.array, i) : 1;
    }
    std::size_t rows() const { return PyArray_MultiplyList(shape, dims); }
    int dims;
    npy_intp shape[NPY_MAXDIMS];
};

}  // namespace arrays

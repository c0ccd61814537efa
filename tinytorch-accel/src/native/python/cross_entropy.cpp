// The ops cross_entropy and cross_entropy_grad, from Python to the kernels of kernels/cross_entropy.cpp.

#include "arrays.h"
#include "kernels.h"
#include "python/families.h"

namespace {

using namespace arrays;

// Class numbers, int64 in a row, one for each row of (rows, width) scores; null where one is no class. Numbers from the
// end, which numpy takes too, are the core's to answer.
const std::int64_t* classes(PyObject* argument, const Input& scores) {
    if (!PyArray_CheckExact(argument) || PyArray_NDIM(scores.array) != 2) return nullptr;
    PyArrayObject* given = reinterpret_cast<PyArrayObject*>(argument);
    const npy_intp rows = PyArray_DIM(scores.array, 0), width = PyArray_DIM(scores.array, 1);
    if (PyArray_TYPE(given) != NPY_INT64 || !PyArray_ISCARRAY_RO(given) || PyArray_NDIM(given) != 1) return nullptr;
    const std::int64_t* numbers = static_cast<const std::int64_t*>(PyArray_DATA(given));
    bool fit = PyArray_DIM(given, 0) == rows;
    for (npy_intp row = 0; fit && row < rows; row++) fit = numbers[row] >= 0 && numbers[row] < width;
    return fit ? numbers : nullptr;
}

// One number a row; of a mean's gradient, which is repeated, all are the same number.
struct ByRow {
    ByRow(PyObject* argument, const Input& scores) {
        PyArrayObject* given = array_of(argument, NPY_FLOAT32);
        if (!given || PyArray_NDIM(given) != 1 || PyArray_DIM(given, 0) != PyArray_DIM(scores.array, 0)) return;
        if (PyArray_STRIDE(given, 0) % static_cast<npy_intp>(sizeof(float))) return;
        data = static_cast<const float*>(PyArray_DATA(given));
        step = PyArray_STRIDE(given, 0) / static_cast<npy_intp>(sizeof(float));
    }
    const float* data = nullptr;
    std::ptrdiff_t step = 0;
};

PyObject* cross_entropy(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("cross_entropy", 2, count)) return nullptr;
    const Input scores(args[0]);
    const std::int64_t* target = scores ? classes(args[1], scores) : nullptr;
    if (!target) Py_RETURN_NONE;
    const npy_intp* shape = PyArray_DIMS(scores.array);
    Output loss(1, shape), log_sums(1, shape);
    if (!loss || !log_sums) return nullptr;
    const std::size_t rows = shape[0];
    {
        WithoutGil meanwhile(scores.size);
        kernels().cross_entropy({scores.data, target, loss.data, log_sums.data, rows, scores.size / rows});
    }
    return tuple_of(loss, log_sums);
}

PyObject* cross_entropy_grad(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("cross_entropy_grad", 4, count)) return nullptr;
    const Input scores(args[1]), log_sums(args[3]);
    const std::int64_t* target = scores && log_sums ? classes(args[2], scores) : nullptr;
    if (!target) Py_RETURN_NONE;
    const std::size_t rows = PyArray_DIM(scores.array, 0);
    const ByRow grad(args[0], scores);
    if (!grad.data || PyArray_NDIM(log_sums.array) != 1 || log_sums.size != rows) Py_RETURN_NONE;
    Output by_scores(scores);
    if (!by_scores) return nullptr;
    {
        WithoutGil meanwhile(scores.size);
        kernels().cross_entropy_grad(
            {grad.data, grad.step, scores.data, target, log_sums.data, by_scores.data, rows, scores.size / rows});
    }
    return by_scores.release();
}

}  // namespace

PyMethodDef CROSS_ENTROPY[] = {FUNCTION(cross_entropy), FUNCTION(cross_entropy_grad), {}};

// The ops embedding and embedding_grad, from Python to the kernels of kernels/embedding.cpp.

#include "arrays.h"
#include "kernels.h"
#include "python/families.h"

namespace {

using namespace arrays;

// Whole numbers in a row, none below 0 or above the table's end; a copy where they do not lie in a row.
class Indices {
  public:
    Indices(PyObject* argument, std::size_t rows) {
        PyArrayObject* given = array_of(argument, NPY_INT64);
        if (!given) return;
        array = reinterpret_cast<PyArrayObject*>(PyArray_GETCONTIGUOUS(given));
        if (!array) return;
        const std::int64_t* numbers = static_cast<const std::int64_t*>(PyArray_DATA(array));
        count = static_cast<std::size_t>(PyArray_SIZE(array));
        for (std::size_t i = 0; i < count; i++)
            if (numbers[i] < 0 || static_cast<std::size_t>(numbers[i]) >= rows) return;
        data = numbers;
    }
    ~Indices() {
        if (array && PyGILState_Check()) Py_DECREF(array);  // as ~Output
    }
    Indices(const Indices&) = delete;
    Indices& operator=(const Indices&) = delete;
    explicit operator bool() const { return data; }

    PyArrayObject* array = nullptr;
    const std::int64_t* data = nullptr;
    std::size_t count = 0;
};

PyObject* embedding(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("embedding", 2, count)) return nullptr;
    const Input weight(args[0]);
    if (!weight || PyArray_NDIM(weight.array) != 2) Py_RETURN_NONE;
    const npy_intp *table = PyArray_DIMS(weight.array);
    const Indices indices(args[1], static_cast<std::size_t>(table[0]));
    if (PyErr_Occurred()) return nullptr;
    if (!indices || PyArray_NDIM(indices.array) >= NPY_MAXDIMS) Py_RETURN_NONE;
    const int dims = PyArray_NDIM(indices.array);
    npy_intp shape[NPY_MAXDIMS];
    for (int i = 0; i < dims; i++) shape[i] = PyArray_DIM(indices.array, i);
    shape[dims] = table[1];
    Output out(dims + 1, shape);
    if (!out) return nullptr;
    const std::size_t width = static_cast<std::size_t>(table[1]);
    {
        WithoutGil meanwhile(indices.count * width);
        kernels().embedding({weight.data, indices.data, out.data, indices.count, width});
    }
    return out.release();
}

PyObject* embedding_grad(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("embedding_grad", 3, count)) return nullptr;
    const Input grad(args[0]);
    if (!grad || !PyTuple_Check(args[2]) || PyTuple_GET_SIZE(args[2]) != 2) Py_RETURN_NONE;
    npy_intp table[2];
    for (int i = 0; i < 2; i++) table[i] = PyLong_AsSsize_t(PyTuple_GET_ITEM(args[2], i));
    if (PyErr_Occurred()) return nullptr;
    if (table[0] <= 0 || table[1] <= 0) Py_RETURN_NONE;
    const Indices indices(args[1], static_cast<std::size_t>(table[0]));
    if (PyErr_Occurred()) return nullptr;
    const std::size_t rows = static_cast<std::size_t>(table[0]), width = static_cast<std::size_t>(table[1]);
    if (!indices || grad.size != indices.count * width) Py_RETURN_NONE;
    Output out(2, table);
    if (!out) return nullptr;
    {
        WithoutGil meanwhile(grad.size + rows * width);
        kernels().embedding_grad({grad.data, indices.data, out.data, indices.count, rows, width});
    }
    return out.release();
}

}  // namespace

PyMethodDef EMBEDDING[] = {FUNCTION(embedding), FUNCTION(embedding_grad), {}};

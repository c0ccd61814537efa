// The ops reduce_sum and reduce_mean, from Python to the kernel of kernels/sums.cpp.

#include "arrays.h"
#include "kernels.h"
#include "memory.h"
#include "python/families.h"

namespace {

using namespace arrays;

// Which dimensions are summed over; a set bit for each.
struct Dims {
    explicit Dims(PyObject* given, int ndim) {
        if (!PyTuple_CheckExact(given)) return;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(given); i++) {
            const long dim = PyLong_AsLong(PyTuple_GET_ITEM(given, i));
            if (dim < 0 || dim >= ndim) return;
            summed |= 1ull << dim;
        }
        known = summed;
    }
    bool has(int dim) const { return summed >> dim & 1; }
    unsigned long long summed = 0;
    bool known = false;
};

// The array as (outer, rows, inner) in the order of its memory, if it is so.
struct Parts {
    Parts(const InOrder& x, const Dims& dims) {
        const Order order = x.order();
        known = order.dims <= Order::MOST_DIMS;
        int last_kept = -1;
        for (int i = 0; known && i < order.dims; i++) {
            const int dim = order.place[i];
            const std::size_t size = PyArray_DIM(x.array, dim);
            if (size == 1) continue;
            known = dims.has(dim) ? inner == 1 : dim > last_kept;  // summed ones in a row, the others in their order
            if (!dims.has(dim)) last_kept = dim;
            (dims.has(dim) ? rows : rows == 1 ? outer : inner) *= size;
        }
    }
    std::size_t outer = 1, rows = 1, inner = 1;
    bool known;
};

// The shape that is left.
struct Left {
    Left(const InOrder& x, const Dims& summed, bool keepdim) {
        for (int i = 0; i < PyArray_NDIM(x.array); i++)
            if (!summed.has(i) || keepdim) shape[dims++] = summed.has(i) ? 1 : PyArray_DIM(x.array, i);
    }
    int dims = 0;
    npy_intp shape[NPY_MAXDIMS];
};

PyObject* summed(const char* name, bool mean, PyObject* const* args, Py_ssize_t count) {
    if (!takes(name, 3, count)) return nullptr;
    const InOrder x(args[0]);
    if (!x) Py_RETURN_NONE;
    const Dims dims(args[1], PyArray_NDIM(x.array));
    if (PyErr_Occurred()) return nullptr;
    if (!dims.known) Py_RETURN_NONE;
    const Parts parts(x, dims);
    const bool keepdim = PyObject_IsTrue(args[2]) == 1;
    if (PyErr_Occurred()) return nullptr;
    if (!parts.known) Py_RETURN_NONE;
    const Left left(x, dims, keepdim);
    Output out(left.dims, left.shape);
    if (!out) return nullptr;
    Sum job{x.data, out.data, nullptr, parts.outer, parts.rows, parts.inner, mean ? static_cast<float>(parts.rows) : 1.0f};
    const memory::Workspace workspace(2 * sum_workspace(job));
    if (!workspace.data) return PyErr_NoMemory();
    job.workspace = reinterpret_cast<double*>(workspace.data);
    {
        WithoutGil meanwhile(x.size);
        kernels().sum(job);
    }
    return out.release();
}

PyObject* reduce_sum(PyObject*, PyObject* const* args, Py_ssize_t count) {
    return summed("reduce_sum", false, args, count);
}

PyObject* reduce_mean(PyObject*, PyObject* const* args, Py_ssize_t count) {
    return summed("reduce_mean", true, args, count);
}

}  // namespace

PyMethodDef SUMS[] = {FUNCTION(reduce_sum), FUNCTION(reduce_mean), {}};

// The ops matmul, linear and linear_weight_grad, from Python to the kernels of kernels/matmul.cpp.
//
// Matrices may lie in memory in any order, transposed or as views: numpy's strides are the kernel's distances.

#include "arrays.h"
#include "kernels.h"
#include "memory.h"
#include "python/families.h"

#include <new>
#include <vector>

namespace {

using namespace arrays;

constexpr std::size_t FEW = 64, LONG = 512, LARGE = 1 << 18;

// An array of matrices, `before` dimensions of them; a vector is one of a row, or of a column.
struct Matrices {
    explicit Matrices(PyObject* argument) {
        array = array_of(argument, NPY_FLOAT32);
        if (!array) return;
        for (int dim = 0; dim < PyArray_NDIM(array); dim++)
            if (PyArray_STRIDE(array, dim) % static_cast<npy_intp>(sizeof(float))) return;
        dims = PyArray_NDIM(array);
        data = static_cast<const float*>(PyArray_DATA(array));
    }
    explicit operator bool() const { return dims > 0; }
    npy_intp size(int dim) const { return PyArray_DIM(array, dim); }
    // A dimension of one number may have any stride.
    std::ptrdiff_t distance(int dim) const {
        return size(dim) == 1 ? 0 : PyArray_STRIDE(array, dim) / static_cast<npy_intp>(sizeof(float));
    }

    PyArrayObject* array = nullptr;
    const float* data = nullptr;
    int dims = 0;
};

struct Sides {
    npy_intp rows, columns;
    Matrix matrix;
};

// The matrix in the last two dimensions. Of one row or column, the distances are what suits the kernel.
Sides last_of(const Matrices& from, bool vector_is_row) {
    const int last = from.dims - 1;
    const bool flat = from.dims == 1;
    const npy_intp size = from.size(last);
    const std::ptrdiff_t step = from.distance(last);
    if (flat && vector_is_row) return {1, size, {from.data, 0, step}};
    if (flat) return {size, 1, {from.data, step, 0}};
    return {from.size(last - 1), size, {from.data, from.distance(last - 1), step}};
}

// All dimensions but the last as rows, where their numbers are evenly apart.
bool as_rows(const Matrices& from, Sides& sides) {
    const int last = from.dims - 1;
    sides = {1, from.size(last), {from.data, 0, from.distance(last)}};
    for (int dim = last - 1; dim >= 0; dim--) {
        const npy_intp size = from.size(dim);
        if (size == 1) continue;
        if (sides.rows == 1) sides.matrix.row = from.distance(dim);
        else if (from.distance(dim) != sides.matrix.row * sides.rows) return false;
        sides.rows *= size;
    }
    return true;
}

// A distance that nobody walks is chosen so that the numbers lie as the kernels like it.
Matrix suited(const Sides& sides) {
    Matrix matrix = sides.matrix;
    if (sides.columns == 1) matrix.column = matrix.row == 1 ? sides.rows : 1;
    if (sides.rows == 1) matrix.row = matrix.column == 1 ? sides.columns : 1;
    return matrix;
}

// The shape of the answer, and where each product's matrices begin: the dimensions before the last two, broadcast.
struct Batch {
    bool of(const Matrices& a, const Matrices& b) {
        const int of_a = a.dims > 2 ? a.dims - 2 : 0, of_b = b.dims > 2 ? b.dims - 2 : 0;
        dims = of_a > of_b ? of_a : of_b;
        a_places.assign(1, 0), b_places.assign(1, 0);
        for (int dim = 0; dim < dims; dim++) {
            const int in_a = dim - dims + of_a, in_b = dim - dims + of_b;
            const npy_intp a_size = in_a < 0 ? 1 : a.size(in_a), b_size = in_b < 0 ? 1 : b.size(in_b);
            if (a_size != b_size && a_size != 1 && b_size != 1) return false;
            shape[dim] = a_size == 1 ? b_size : a_size;
            spread(a_places, shape[dim], in_a < 0 ? 0 : a.distance(in_a));
            spread(b_places, shape[dim], in_b < 0 ? 0 : b.distance(in_b));
        }
        return true;
    }
    static void spread(std::vector<std::ptrdiff_t>& places, npy_intp size, std::ptrdiff_t distance) {
        std::vector<std::ptrdiff_t> more;
        more.reserve(places.size() * size);
        for (const std::ptrdiff_t place : places)
            for (npy_intp i = 0; i < size; i++) more.push_back(place + i * distance);
        places.swap(more);
    }
    int dims = 0;
    npy_intp shape[NPY_MAXDIMS];
    std::vector<std::ptrdiff_t> a_places, b_places;
};

// Few rows and a large b whose rows lie in a row: each is copied, or walked over, for little. Measured by
// benchmarks/accel_ops.py.
bool core_is_as_fast(const Product& job) {
    const bool large = job.inner > LONG && job.inner * job.columns > LARGE;
    return job.rows < FEW && job.b.column == 1 && job.b.row != 1 && large;
}

PyObject* computed(Product job, int dims, const npy_intp* shape) {
    if (core_is_as_fast(job)) Py_RETURN_NONE;
    Output out(dims, shape);
    if (!out) return nullptr;
    const memory::Workspace workspace(kernels().matmul_workspace(job));
    if (!workspace.data) return PyErr_NoMemory();
    job.out = out.data, job.workspace = workspace.data;
    {
        WithoutGil meanwhile(job.batch * job.rows * job.inner * job.columns / 8);
        kernels().matmul(job);
    }
    return out.release();
}

const std::ptrdiff_t AT_THE_BEGINNING[] = {0};

Product product_of(const Sides& a, const Sides& b, const float* bias) {
    return {suited(a), suited(b), bias, nullptr, static_cast<std::size_t>(a.rows), static_cast<std::size_t>(a.columns),
            static_cast<std::size_t>(b.columns), 1, AT_THE_BEGINNING, AT_THE_BEGINNING, nullptr};
}

PyObject* matmul(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("matmul", 2, count)) return nullptr;
    const Matrices a(args[0]), b(args[1]);
    if (!a || !b) Py_RETURN_NONE;
    const Sides left = last_of(a, true), right = last_of(b, false);
    if (left.columns != right.rows) Py_RETURN_NONE;
    Sides rows;
    if (b.dims <= 2 && as_rows(a, rows)) {
        npy_intp shape[NPY_MAXDIMS];
        int dims = 0;
        for (; dims < a.dims - 1; dims++) shape[dims] = a.size(dims);
        if (b.dims == 2) shape[dims++] = right.columns;
        return computed(product_of(rows, right, nullptr), dims, shape);
    }
    Batch batch;
    try {
        if (!batch.of(a, b)) Py_RETURN_NONE;
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    }
    if (a.dims > 1) batch.shape[batch.dims++] = left.rows;
    if (b.dims > 1) batch.shape[batch.dims++] = right.columns;
    Product job = product_of(left, right, nullptr);
    job.batch = batch.a_places.size(), job.a_places = batch.a_places.data(), job.b_places = batch.b_places.data();
    return computed(job, batch.dims, batch.shape);
}

PyObject* linear(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("linear", 3, count)) return nullptr;
    const Matrices x(args[0]), weight(args[1]);
    const Optional bias(args[2]);
    Sides rows;
    if (!x || !weight || !bias || weight.dims != 2 || !as_rows(x, rows)) Py_RETURN_NONE;
    const npy_intp outs = weight.size(0);
    if (rows.columns != weight.size(1) || !(bias.missing || bias.size == static_cast<std::size_t>(outs))) Py_RETURN_NONE;
    npy_intp shape[NPY_MAXDIMS];
    for (int dim = 0; dim < x.dims; dim++) shape[dim] = dim + 1 < x.dims ? x.size(dim) : outs;
    const Sides turned{rows.columns, outs, {weight.data, weight.distance(1), weight.distance(0)}};
    return computed(product_of(rows, turned, bias.data), x.dims, shape);
}

PyObject* linear_weight_grad(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("linear_weight_grad", 2, count)) return nullptr;
    const Matrices grad(args[0]), x(args[1]);
    Sides of_grad, of_x;
    if (!grad || !x || !as_rows(grad, of_grad) || !as_rows(x, of_x) || of_grad.rows != of_x.rows) Py_RETURN_NONE;
    const Matrix given = suited(of_grad);
    const Sides turned{of_grad.columns, of_grad.rows, {given.data, given.column, given.row}};
    const npy_intp shape[] = {of_grad.columns, of_x.columns};
    return computed(product_of(turned, of_x, nullptr), 2, shape);
}

}  // namespace

PyMethodDef MATMUL[] = {FUNCTION(matmul), FUNCTION(linear), FUNCTION(linear_weight_grad), {}};

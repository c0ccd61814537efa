// The ops relu and relu_grad, from Python to the kernels of kernels/relu.cpp. What convolution gives is channels-last,
// so any order of dimensions is taken in which the numbers lie in a row; the output has the same.

#include "arrays.h"
#include "kernels.h"
#include "python/families.h"
#include "python/images.h"

namespace {

using namespace arrays;

constexpr int MOST_DIMS = 8;

// The dimensions by falling stride.
struct Order {
    explicit Order(PyArrayObject* array) : dims(PyArray_NDIM(array)) {
        for (int i = 0; i < dims && i < MOST_DIMS; i++) {
            int place = i;
            for (; place && PyArray_STRIDE(array, order[place - 1]) < PyArray_STRIDE(array, i); place--)
                order[place] = order[place - 1];
            order[place] = i;
        }
    }
    bool is_of(PyArrayObject* array) const { return dims <= MOST_DIMS && lies_in_order(array, order); }
    int dims, order[MOST_DIMS];
};

// An output of `array`'s shape and order of dimensions.
struct OutputInOrder : Output {
    OutputInOrder(PyArrayObject* array, const Order& order) : OutputInOrder(Shape(array, order)) {}
    PyObject* as(const Order& order) {
        npy_intp places[MOST_DIMS];
        bool moved = false;
        for (int i = 0; i < order.dims; i++) {
            places[order.order[i]] = i;
            moved |= order.order[i] != i;
        }
        if (!moved) return release();
        PyArray_Dims dims = {places, order.dims};
        return PyArray_Transpose(reinterpret_cast<PyArrayObject*>(array), &dims);
    }

  private:
    struct Shape {
        Shape(PyArrayObject* array, const Order& order) : dims(order.dims) {
            for (int i = 0; i < dims; i++) sizes[i] = PyArray_DIM(array, order.order[i]);
        }
        int dims;
        npy_intp sizes[MOST_DIMS];
    };
    explicit OutputInOrder(const Shape& shape) : Output(shape.dims, shape.sizes) {}
};

const float* numbers(PyArrayObject* array) { return static_cast<const float*>(PyArray_DATA(array)); }

PyObject* relu(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("relu", 1, count)) return nullptr;
    PyArrayObject* x = array_of(args[0], NPY_FLOAT32);
    if (!x) Py_RETURN_NONE;
    const Order order(x);
    if (!order.is_of(x)) Py_RETURN_NONE;
    OutputInOrder out(x, order);
    if (!out) return nullptr;
    const std::size_t size = PyArray_SIZE(x);
    {
        WithoutGil meanwhile(size);
        kernels().relu(numbers(x), out.data, size);
    }
    return out.as(order);
}

PyObject* relu_grad(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("relu_grad", 2, count)) return nullptr;
    PyArrayObject *grad = array_of(args[0], NPY_FLOAT32), *x = array_of(args[1], NPY_FLOAT32);
    if (!grad || !x || !PyArray_SAMESHAPE(grad, x)) Py_RETURN_NONE;
    const Order order(x);
    if (!order.is_of(x) || !order.is_of(grad)) Py_RETURN_NONE;
    OutputInOrder out(x, order);
    if (!out) return nullptr;
    const std::size_t size = PyArray_SIZE(x);
    {
        WithoutGil meanwhile(size);
        kernels().relu_grad(numbers(grad), numbers(x), out.data, size);
    }
    return out.as(order);
}

}  // namespace

PyMethodDef RELU[] = {FUNCTION(relu), FUNCTION(relu_grad), {}};

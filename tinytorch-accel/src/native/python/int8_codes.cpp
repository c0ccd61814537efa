// The ops int8_quantize, int8_dequantize, int8_add, int8_avg_pool2d and int8_softmax of tinytorch-quant, from Python to
// kernels/int8_codes.cpp. Pooling is answered where the window is the whole image.

#include "arrays.h"
#include "kernels.h"
#include "python/families.h"
#include "python/images.h"
#include "python/int8.h"

namespace {

using namespace arrays;

// An int8 array whose codes lie in a row, in any order of dimensions; null else.
PyArrayObject* codes_in_a_row(PyObject* argument) {
    PyArrayObject* array = array_of(argument, NPY_INT8);
    if (!array || PyArray_NDIM(array) > Order::MOST_DIMS) return nullptr;
    return Order(array).is_of(array) ? array : nullptr;
}

const std::int8_t* data_of(PyArrayObject* array) { return static_cast<const std::int8_t*>(PyArray_DATA(array)); }

PyObject* int8_quantize(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("int8_quantize", 3, count)) return nullptr;
    const InOrder x(args[0]);
    std::int32_t zero_point;
    if (!x || !PyFloat_Check(args[1]) || !codes_of(args + 2, zero_point)) Py_RETURN_NONE;
    const double inverse = 1.0 / PyFloat_AS_DOUBLE(args[1]);
    const Order order = x.order();
    OutputInOrder out(x.array, order, NPY_INT8);
    if (!out) return nullptr;
    {
        WithoutGil meanwhile(x.size);
        kernels().int8_quantize(x.data, reinterpret_cast<std::int8_t*>(out.data), x.size, static_cast<float>(inverse),
                                zero_point);
    }
    return out.release(order);
}

PyObject* int8_dequantize(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("int8_dequantize", 3, count)) return nullptr;
    PyArrayObject* x = codes_in_a_row(args[0]);
    std::int32_t zero_point;
    if (!x || !PyFloat_Check(args[1]) || !codes_of(args + 2, zero_point)) Py_RETURN_NONE;
    const Order order(x);
    OutputInOrder out(x, order, NPY_FLOAT32);
    if (!out) return nullptr;
    const std::size_t size = PyArray_SIZE(x);
    {
        WithoutGil meanwhile(size);
        kernels().int8_dequantize(data_of(x), out.data, size, static_cast<float>(PyFloat_AS_DOUBLE(args[1])),
                                  static_cast<float>(zero_point));
    }
    return out.release(order);
}

// A number of 0 and more and a shift of 0 and less; false for others.
bool multiplier_of(PyObject* mantissa, PyObject* shift, std::int32_t& to_mantissa, std::int32_t& to_shift) {
    if (!PyLong_Check(mantissa) || !PyLong_Check(shift)) return false;
    int too_large = 0, also = 0;
    const long number = PyLong_AsLongAndOverflow(mantissa, &too_large), power = PyLong_AsLongAndOverflow(shift, &also);
    to_mantissa = static_cast<std::int32_t>(number), to_shift = static_cast<std::int32_t>(power);
    return !too_large && !also && number >= 0 && number <= INT32_MAX && power <= 0 && power >= -31;
}

bool unit_of(PyObject* tuple, Int8Unit& unit) {
    if (!PyTuple_Check(tuple) || PyTuple_GET_SIZE(tuple) != 3) return false;
    PyObject* const zero_point = PyTuple_GET_ITEM(tuple, 0);
    return codes_of(&zero_point, unit.zero_point) &&
           multiplier_of(PyTuple_GET_ITEM(tuple, 1), PyTuple_GET_ITEM(tuple, 2), unit.mantissa, unit.shift);
}

PyObject* int8_add(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("int8_add", 9, count)) return nullptr;
    PyArrayObject *a = codes_in_a_row(args[0]), *b = codes_in_a_row(args[1]);
    Int8Add job{};
    if (!a || !b || !unit_of(args[2], job.a_unit) || !unit_of(args[3], job.b_unit) ||
        !multiplier_of(args[4], args[5], job.mantissa, job.shift) ||
        !codes_of(args + 6, job.zero_point, job.low, job.high) || !PyArray_SAMESHAPE(a, b))
        Py_RETURN_NONE;
    const Order order(a);
    if (!order.is_of(b)) Py_RETURN_NONE;
    OutputInOrder out(a, order, NPY_INT8);
    if (!out) return nullptr;
    job.a = data_of(a), job.b = data_of(b), job.out = reinterpret_cast<std::int8_t*>(out.data);
    job.size = PyArray_SIZE(a);
    {
        WithoutGil meanwhile(job.size);
        kernels().int8_add(job);
    }
    return out.release(order);
}

PyObject* int8_avg_pool2d(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("int8_avg_pool2d", 6, count)) return nullptr;
    PyArrayObject* x = array_of(args[0], NPY_INT8);
    Window window{};
    Int8Mean job{};
    if (!x || PyArray_NDIM(x) != 4 || !lies_in_order(x, CHANNELS_LAST) ||
        !pair_of(args[1], 1, window.kernel[0], window.kernel[1]) || !padding_of(args[3], window) ||
        !codes_of(args + 4, job.low, job.high))
        Py_RETURN_NONE;
    const npy_intp* shape = PyArray_DIMS(x);
    const bool whole = static_cast<npy_intp>(window.kernel[0]) == shape[2] &&
                       static_cast<npy_intp>(window.kernel[1]) == shape[3];
    if (!whole || window.before[0] || window.after[0] || window.before[1] || window.after[1]) Py_RETURN_NONE;
    job.batch = shape[0], job.channels = shape[1], job.pixels = shape[2] * shape[3];
    ImageOutput out(job.batch, job.channels, 1, 1, NPY_INT8);
    if (!out) return nullptr;
    job.x = data_of(x), job.out = reinterpret_cast<std::int8_t*>(out.data);
    {
        WithoutGil meanwhile(job.batch * job.pixels * job.channels);
        kernels().int8_mean(job);
    }
    return out.as_channels_first();
}

// The table is as tinytorch-quant makes it: none is below 0, and the first so large that no sum is 0.
PyObject* int8_softmax(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("int8_softmax", 2, count)) return nullptr;
    PyArrayObject* x = array_of(args[0], NPY_INT8);
    const std::int32_t* table = row_of<std::int32_t>(args[1], NPY_INT32, 256);
    if (!x || !table || PyArray_NDIM(x) < 1 || !PyArray_IS_C_CONTIGUOUS(x)) Py_RETURN_NONE;
    for (int i = 0; i < 256; i++)
        if (table[i] < 0 || table[0] != INT32_MAX) Py_RETURN_NONE;
    Output out(PyArray_NDIM(x), PyArray_DIMS(x), NPY_INT8);
    if (!out) return nullptr;
    const std::size_t width = PyArray_DIM(x, PyArray_NDIM(x) - 1), size = PyArray_SIZE(x);
    {
        WithoutGil meanwhile(size);
        kernels().int8_softmax(data_of(x), table, reinterpret_cast<std::int8_t*>(out.data), size / width, width);
    }
    return out.release();
}

}  // namespace

PyMethodDef INT8_CODES[] = {FUNCTION(int8_quantize), FUNCTION(int8_dequantize), FUNCTION(int8_add),
                            FUNCTION(int8_avg_pool2d), FUNCTION(int8_softmax), {}};

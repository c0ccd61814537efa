// numpy arrays as kernels see them, and the GIL: what the functions in python/ are written with.

#pragma once

#include <cstddef>
#include <cstdint>

extern "C" int PyTraceMalloc_Track(unsigned int, std::uintptr_t, std::size_t);  // Python 3.11's header does not say "C"
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL tinytorch_accel_array_api
#ifndef ARRAYS_CPP
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>

namespace arrays {

bool start();  // once, at import; false with a Python error

// An argument that kernels can read: an array of float32 whose numbers lie in a row. One that they cannot read, an
// empty one too, is `false`: the function then answers None, and the core the op.
class Input {
  public:
    explicit Input(PyObject* argument);
    explicit operator bool() const { return data; }
    bool has_shape_of(const Input& other) const;
    bool is_end_of(const Input& other, int dims) const;  // its shape is that of the last `dims` dimensions

    PyArrayObject* array = nullptr;
    const float* data = nullptr;
    std::size_t size = 0;
};

// An input that may be None, which is `missing` and has no data.
class Optional : public Input {
  public:
    explicit Optional(PyObject* argument) : Input(argument), missing(argument == Py_None) {}
    explicit operator bool() const { return missing || data; }
    const bool missing;
};

// A new array that nobody else has, its memory from the store; `false` with a Python error where there is none.
class Output {
  public:
    explicit Output(const Input& of_shape);
    Output(int dims, const npy_intp* shape, int type = NPY_FLOAT32);
    ~Output() {
        if (array && PyGILState_Check()) Py_DECREF(array);  // see WithoutGil: a thread that is ended there has no GIL
    }
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;
    explicit operator bool() const { return array; }
    PyObject* release();  // hands the array over

    PyObject* array = nullptr;
    float* data = nullptr;
};

// The outputs as a tuple; null with a Python error.
template <class... Outputs> PyObject* tuple_of(Outputs&... outputs) {
    PyObject* tuple = PyTuple_New(sizeof...(outputs));
    Py_ssize_t place = 0;
    if (tuple) (PyTuple_SET_ITEM(tuple, place++, outputs.release()), ...);
    return tuple;
}

// An array of this type in the machine's byte order, aligned and not empty, of any strides; else null.
PyArrayObject* array_of(PyObject* argument, int type);

// Whether an array's numbers lie in a row when its dimensions are taken in this order. Of dimensions of size 1 the
// stride says nothing.
bool lies_in_order(PyArrayObject* array, const int* order);

// The dimensions of an array by falling stride. What convolution gives is channels-last: where a kernel goes number by
// number, the order of dimensions does not matter if it is that of all arrays, and the output has it, too.
class Order {
  public:
    static constexpr int MOST_DIMS = 8;
    explicit Order(PyArrayObject* array);
    bool is_of(PyArrayObject* array) const;  // its numbers lie in a row in this order

    const int dims;
    const bool usual;  // the order of the shape: a row-major array
    int place[MOST_DIMS];
};

// An argument like Input, its dimensions in any order.
class InOrder {
  public:
    explicit InOrder(PyObject* argument);
    explicit operator bool() const { return array; }
    bool is_like(PyArrayObject* other) const { return PyArray_SAMESHAPE(array, other) && order().is_of(other); }
    Order order() const { return Order(array); }

    PyArrayObject* array = nullptr;
    const float* data = nullptr;
    std::size_t size = 0;
};

// A new array of another's shape, its numbers in a row in that one's order of dimensions.
class OutputInOrder : public Output {
  public:
    OutputInOrder(PyArrayObject* x, const Order& order, int type = NPY_FLOAT32);
    PyObject* release(const Order& order);
};

// Whether a function got as many arguments as it takes; else a Python error.
bool takes(const char* function, Py_ssize_t wanted, Py_ssize_t given);

// Lets other Python threads run meanwhile, where the work takes longer than letting them: `numbers` read or written.
// A daemon thread that asks for the GIL when the interpreter has ended does not return: up to Python 3.13 it is ended
// there, by unwinding its stack, which a destructor must allow.
class WithoutGil {
  public:
    explicit WithoutGil(std::size_t numbers) : state(numbers < LONG ? nullptr : PyEval_SaveThread()) {}
    ~WithoutGil() noexcept(false) {
        if (state) PyEval_RestoreThread(state);
    }
    WithoutGil(const WithoutGil&) = delete;
    WithoutGil& operator=(const WithoutGil&) = delete;

  private:
    static constexpr std::size_t LONG = 16384;
    PyThreadState* const state;
};

}  // namespace arrays

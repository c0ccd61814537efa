// Ops that go number by number, from Python to their kernels: `of_one` array, `of_two` that may broadcast, a gradient and
// an array like it (`of_grad`). Each makes the entry of a method table, of the op's name and its member of Kernels.

#pragma once

#include "arrays.h"
#include "kernels.h"
#include "python/families.h"

namespace arrays {

template <std::size_t size> struct Name {  // a string as a template's argument
    char text[size];
    constexpr Name(const char (&from)[size]) {
        for (std::size_t i = 0; i < size; i++) text[i] = from[i];
    }
};

// Which numbers of a smaller array go with those of a larger one, in the larger one's memory: each of `count` with `run`
// in a row, and then the first again. `run` is 0 where it is not so.
struct Repeated {
    Repeated(PyArrayObject* larger, const Order& order, PyArrayObject* smaller);
    const float* data;
    std::size_t count = 1, run = 1;
};

PyObject* computed(ElementwiseTwo forward, ElementwiseTwo swapped, PyObject* first, PyObject* second);

template <class Compute> PyObject* like(const InOrder& x, const Order& order, Compute compute) {
    OutputInOrder out(x.array, order);
    if (!out) return nullptr;
    {
        WithoutGil meanwhile(x.size);
        compute(out.data);
    }
    return out.release(order);
}

template <Name name, auto kernel> PyObject* answer_one(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes(name.text, 1, count)) return nullptr;
    const InOrder x(args[0]);
    if (!x) Py_RETURN_NONE;
    return like(x, x.order(), [&](float* out) { (kernels().*kernel)(x.data, out, x.size); });
}

template <Name name, auto kernel> PyObject* answer_grad(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes(name.text, 2, count)) return nullptr;
    const InOrder grad(args[0]), x(args[1]);
    if (!grad || !x || !x.is_like(grad.array)) Py_RETURN_NONE;
    return like(x, x.order(), [&](float* out) { (kernels().*kernel)(grad.data, x.data, out, x.size); });
}

template <Name name, auto kernel, auto swapped>
PyObject* answer_two(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes(name.text, 2, count)) return nullptr;
    return computed(kernels().*kernel, kernels().*swapped, args[0], args[1]);
}

}  // namespace arrays

template <arrays::Name name, auto kernel> PyMethodDef of_one() { return named(name.text, arrays::answer_one<name, kernel>); }
template <arrays::Name name, auto kernel> PyMethodDef of_grad() { return named(name.text, arrays::answer_grad<name, kernel>); }
template <arrays::Name name, auto kernel, auto swapped> PyMethodDef of_two() {
    return named(name.text, arrays::answer_two<name, kernel, swapped>);
}

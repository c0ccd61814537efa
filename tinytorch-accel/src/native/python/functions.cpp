// Functions of one array, from Python to the kernels of kernels/functions.cpp.

#include "python/elementwise.h"

namespace {

using namespace arrays;

PyObject* softplus(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("softplus", 3, count)) return nullptr;
    const InOrder x(args[0]);
    const double beta = PyFloat_AsDouble(args[1]), threshold = PyFloat_AsDouble(args[2]);
    if (PyErr_Occurred()) return nullptr;
    if (!x) Py_RETURN_NONE;
    return like(x, x.order(), [&](float* out) {
        kernels().softplus(x.data, static_cast<float>(beta), static_cast<float>(threshold), out, x.size);
    });
}

}  // namespace

PyMethodDef FUNCTIONS[] = {of_one<"exp", &Kernels::exp>(),
                           of_one<"log", &Kernels::log>(),
                           of_one<"tanh", &Kernels::tanh>(),
                           of_one<"sigmoid", &Kernels::sigmoid>(),
                           of_one<"silu", &Kernels::silu>(),
                           of_grad<"silu_grad", &Kernels::silu_grad>(),
                           named("softplus", softplus),
                           {}};

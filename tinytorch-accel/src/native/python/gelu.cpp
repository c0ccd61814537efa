// The ops gelu and gelu_grad, from Python to the kernels of kernels/gelu.cpp.

#include "arrays.h"
#include "kernels.h"
#include "python/families.h"

namespace {

using namespace arrays;

bool is_tanh(PyObject* approximate) { return PyUnicode_CompareWithASCIIString(approximate, "tanh") == 0; }

PyObject* gelu(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("gelu", 2, count)) return nullptr;
    const Input x(args[0]);
    if (!x) Py_RETURN_NONE;
    Output out(x), share(x);
    if (!out || !share) return nullptr;
    {
        WithoutGil meanwhile(x.size);
        (is_tanh(args[1]) ? kernels().gelu_tanh : kernels().gelu)(x.data, out.data, share.data, x.size);
    }
    return tuple_of(out, share);
}

PyObject* gelu_grad(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("gelu_grad", 4, count)) return nullptr;
    const Input grad(args[0]), x(args[1]), share(args[2]);
    if (!grad || !x || !share || !grad.has_shape_of(x) || !share.has_shape_of(x)) Py_RETURN_NONE;
    Output out(x);
    if (!out) return nullptr;
    {
        WithoutGil meanwhile(x.size);
        const auto kernel = is_tanh(args[3]) ? kernels().gelu_tanh_grad : kernels().gelu_grad;
        kernel(grad.data, x.data, share.data, out.data, x.size);
    }
    return out.release();
}

}  // namespace

PyMethodDef GELU[] = {FUNCTION(gelu), FUNCTION(gelu_grad), {}};

// The ops rms_norm and rms_norm_grad, from Python to the kernels of kernels/rms_norm.cpp.

#include "arrays.h"
#include "kernels.h"
#include "memory.h"
#include "python/families.h"
#include "python/rows.h"

namespace {

using namespace arrays;

PyObject* rms_norm(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("rms_norm", 4, count)) return nullptr;
    const Input x(args[0]);
    const Optional weight(args[1]);
    const int ndim = static_cast<int>(PyLong_AsLong(args[2]));
    const double eps = PyFloat_AsDouble(args[3]);
    if (PyErr_Occurred()) return nullptr;
    if (!x || !weight || ndim < 1 || ndim > PyArray_NDIM(x.array)) Py_RETURN_NONE;
    if (!weight.missing && !weight.is_end_of(x, ndim)) Py_RETURN_NONE;
    const PerRow each(x, ndim);
    Output out(x), rrms(each.dims, each.shape);
    if (!out || !rrms) return nullptr;
    {
        WithoutGil meanwhile(x.size);
        kernels().rms_norm({x.data, weight.data, out.data, rrms.data, each.rows(), x.size / each.rows(),
                            static_cast<float>(eps)});
    }
    return tuple_of(out, rrms);
}

PyObject* rms_norm_grad(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("rms_norm_grad", 5, count)) return nullptr;
    const Input grad(args[0]), x(args[1]), rrms(args[3]);
    const Optional weight(args[2]);
    const int ndim = static_cast<int>(PyLong_AsLong(args[4]));
    if (PyErr_Occurred()) return nullptr;
    if (!grad || !x || !weight || !rrms || !grad.has_shape_of(x)) Py_RETURN_NONE;
    if (ndim < 1 || ndim > PyArray_NDIM(x.array)) Py_RETURN_NONE;
    const PerRow each(x, ndim);
    const std::size_t rows = each.rows(), width = x.size / rows;
    if (rrms.size != rows || !(weight.missing || weight.is_end_of(x, ndim))) Py_RETURN_NONE;
    Output by_x(x), by_weight(ndim, PyArray_DIMS(x.array) + each.dims - ndim);
    if (!by_x || !by_weight) return nullptr;
    const memory::Workspace workspace(rms_norm_workspace(rows, width));
    if (!workspace.data) return PyErr_NoMemory();
    {
        WithoutGil meanwhile(x.size);
        kernels().rms_norm_grad({grad.data, x.data, weight.data, rrms.data, by_x.data, by_weight.data, workspace.data,
                                 rows, width});
    }
    return tuple_of(by_x, by_weight);
}

}  // namespace

PyMethodDef RMS_NORM[] = {FUNCTION(rms_norm), FUNCTION(rms_norm_grad), {}};

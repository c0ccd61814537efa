// The ops layer_norm and layer_norm_grad, from Python to the kernels of kernels/layer_norm.cpp.

#include "arrays.h"
#include "kernels.h"
#include "memory.h"
#include "python/families.h"
#include "python/rows.h"

namespace {

using namespace arrays;

PyObject* layer_norm(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("layer_norm", 5, count)) return nullptr;
    const Input x(args[0]);
    const Optional weight(args[1]), bias(args[2]);
    const int ndim = static_cast<int>(PyLong_AsLong(args[3]));
    const double eps = PyFloat_AsDouble(args[4]);
    if (PyErr_Occurred()) return nullptr;
    if (!x || !weight || !bias || ndim < 1 || ndim > PyArray_NDIM(x.array)) Py_RETURN_NONE;
    if (!(weight.missing || weight.is_end_of(x, ndim)) || !(bias.missing || bias.is_end_of(x, ndim))) Py_RETURN_NONE;
    const PerRow each(x, ndim);
    Output out(x), mean(each.dims, each.shape), rstd(each.dims, each.shape);
    if (!out || !mean || !rstd) return nullptr;
    {
        WithoutGil meanwhile(x.size);
        kernels().layer_norm({x.data, weight.data, bias.data, out.data, mean.data, rstd.data, each.rows(),
                              x.size / each.rows(), static_cast<float>(eps)});
    }
    return tuple_of(out, mean, rstd);
}

PyObject* layer_norm_grad(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("layer_norm_grad", 6, count)) return nullptr;
    const Input grad(args[0]), x(args[1]), mean(args[3]), rstd(args[4]);
    const Optional weight(args[2]);
    const int ndim = static_cast<int>(PyLong_AsLong(args[5]));
    if (PyErr_Occurred()) return nullptr;
    if (!grad || !x || !weight || !mean || !rstd || !grad.has_shape_of(x)) Py_RETURN_NONE;
    if (ndim < 1 || ndim > PyArray_NDIM(x.array)) Py_RETURN_NONE;
    const PerRow each(x, ndim);
    const std::size_t rows = each.rows(), width = x.size / rows;
    if (mean.size != rows || rstd.size != rows || !(weight.missing || weight.is_end_of(x, ndim))) Py_RETURN_NONE;
    const npy_intp* shape = PyArray_DIMS(x.array) + each.dims - ndim;
    Output by_x(x), by_weight(ndim, shape), by_bias(ndim, shape);
    if (!by_x || !by_weight || !by_bias) return nullptr;
    const memory::Workspace workspace(layer_norm_workspace(rows, width));
    if (!workspace.data) return PyErr_NoMemory();
    {
        WithoutGil meanwhile(x.size);
        kernels().layer_norm_grad({grad.data, x.data, weight.data, mean.data, rstd.data, by_x.data, by_weight.data,
                                   by_bias.data, workspace.data, rows, width});
    }
    return tuple_of(by_x, by_weight, by_bias);
}

}  // namespace

PyMethodDef LAYER_NORM[] = {FUNCTION(layer_norm), FUNCTION(layer_norm_grad), {}};

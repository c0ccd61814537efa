// The ops attention and attention_grad, from Python to the kernels of kernels/attention.cpp.

#include "arrays.h"
#include "kernels.h"
#include "python/families.h"

namespace {

using namespace arrays;

// An argument of four dimensions whose vectors lie in a row, each anywhere: heads are views of wider rows.
class Heads {
  public:
    explicit Heads(PyObject* argument) {
        PyArrayObject* given = array_of(argument, NPY_FLOAT32);
        if (!given || PyArray_NDIM(given) != 4) return;
        if (PyArray_DIM(given, 3) > 1 && PyArray_STRIDE(given, 3) != sizeof(float)) return;
        array = given;
    }
    explicit operator bool() const { return array; }
    std::size_t dim(int which) const { return PyArray_DIM(array, which); }
    bool has_shape(std::size_t batch, std::size_t heads, std::size_t time, std::size_t width) const {
        return dim(0) == batch && dim(1) == heads && dim(2) == time && dim(3) == width;
    }
    template <class Number> Four<Number> four() const {
        const npy_intp* strides = PyArray_STRIDES(array);
        constexpr std::ptrdiff_t bytes = sizeof(float);
        return {static_cast<Number*>(PyArray_DATA(array)), strides[0] / bytes, strides[1] / bytes, strides[2] / bytes};
    }

  private:
    PyArrayObject* array = nullptr;
};

// An output of (batch, heads, time, width) whose heads lie side by side for each time, as the core's do: a view.
class SideBySide {
  public:
    SideBySide(std::size_t batch, std::size_t heads, std::size_t time, std::size_t width)
        : shape{npy_intp(batch), npy_intp(time), npy_intp(heads), npy_intp(width)}, whole(4, shape) {
        if (whole) view = PyArray_SwapAxes(reinterpret_cast<PyArrayObject*>(whole.array), 1, 2);
    }
    ~SideBySide() {
        if (view && PyGILState_Check()) Py_DECREF(view);  // as in Output
    }
    SideBySide(const SideBySide&) = delete;
    SideBySide& operator=(const SideBySide&) = delete;
    explicit operator bool() const { return view; }
    Four<float> four() const { return {whole.data, shape[1] * shape[2] * shape[3], shape[3], shape[2] * shape[3]}; }
    PyObject* release() {
        PyObject* released = view;
        view = nullptr;
        return released;
    }

  private:
    npy_intp shape[4];
    Output whole;
    PyObject* view = nullptr;
};

// The arguments that both ops take; false with or without a Python error: then nothing was done.
bool read(PyObject* const* args, const Heads& q, const Heads& k, const Heads& v, Attention& job) {
    if (!q || !k || !v) return false;
    job.batch = q.dim(0), job.heads = q.dim(1), job.time = q.dim(2), job.width = q.dim(3);
    job.key_heads = k.dim(1), job.keys = k.dim(2), job.out_width = v.dim(3);
    if (!k.has_shape(job.batch, job.key_heads, job.keys, job.width)) return false;
    if (!v.has_shape(job.batch, job.key_heads, job.keys, job.out_width) || job.heads % job.key_heads) return false;
    if (job.width > LONGEST_VECTOR || job.out_width > LONGEST_VECTOR) return false;
    job.q = q.four<const float>(), job.k = k.four<const float>(), job.v = v.four<const float>();
    job.mask = {};
    if (args[3] == Py_None) return true;
    if (!PyArray_CheckExact(args[3])) return false;
    PyArrayObject* mask = reinterpret_cast<PyArrayObject*>(args[3]);
    const bool is_bool = PyArray_TYPE(mask) == NPY_BOOL;
    if ((!is_bool && PyArray_TYPE(mask) != NPY_FLOAT32) || !PyArray_ISBEHAVED_RO(mask) || PyArray_NDIM(mask) != 4)
        return false;
    const std::size_t wanted[] = {job.batch, job.heads, job.time, job.keys};
    std::ptrdiff_t distances[4];
    for (int i = 0; i < 4; i++) {
        const std::size_t size = PyArray_DIM(mask, i);
        if (size != 1 && size != wanted[i]) return false;
        distances[i] = size == 1 ? 0 : PyArray_STRIDE(mask, i) / PyArray_ITEMSIZE(mask);
    }
    const void* data = PyArray_DATA(mask);
    job.mask = {is_bool ? nullptr : static_cast<const float*>(data),
                is_bool ? static_cast<const unsigned char*>(data) : nullptr, distances[0], distances[1], distances[2],
                distances[3]};
    return true;
}

bool read_numbers(PyObject* causal, PyObject* scale, Attention& job) {
    job.causal = PyObject_IsTrue(causal) == 1;
    job.scale = static_cast<float>(PyFloat_AsDouble(scale));
    return !PyErr_Occurred();
}

std::size_t work(const Attention& job) { return job.batch * job.heads * job.time * job.keys; }

PyObject* attention(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("attention", 6, count)) return nullptr;
    const Heads q(args[0]), k(args[1]), v(args[2]);
    Attention job;
    if (!read_numbers(args[4], args[5], job)) return nullptr;
    if (!read(args, q, k, v, job)) Py_RETURN_NONE;
    const npy_intp per_row[] = {npy_intp(job.batch), npy_intp(job.heads), npy_intp(job.time), 1};
    SideBySide out(job.batch, job.heads, job.time, job.out_width);
    Output log_sums(4, per_row);
    if (!out || !log_sums) return nullptr;
    job.out = out.four(), job.log_sums = log_sums.data;
    {
        WithoutGil meanwhile(work(job));
        kernels().attention(job);
    }
    return tuple_of(out, log_sums);
}

PyObject* attention_grad(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("attention_grad", 9, count)) return nullptr;
    const Heads grad(args[0]), q(args[1]), k(args[2]), v(args[3]), out(args[5]);
    const Input log_sums(args[6]);
    AttentionGrad job;
    Attention& forward = job.forward;
    if (!read_numbers(args[7], args[8], forward)) return nullptr;
    if (!grad || !out || !log_sums || !read(args + 1, q, k, v, forward)) Py_RETURN_NONE;
    const Heads* const outs[] = {&grad, &out};
    for (const Heads* each : outs)
        if (!each->has_shape(forward.batch, forward.heads, forward.time, forward.out_width)) Py_RETURN_NONE;
    if (log_sums.size != forward.batch * forward.heads * forward.time) Py_RETURN_NONE;
    job.grad = grad.four<const float>(), forward.out = out.four<float>();
    forward.log_sums = const_cast<float*>(log_sums.data);  // only read
    SideBySide by_q(forward.batch, forward.heads, forward.time, forward.width);
    SideBySide by_k(forward.batch, forward.key_heads, forward.keys, forward.width);
    SideBySide by_v(forward.batch, forward.key_heads, forward.keys, forward.out_width);
    if (!by_q || !by_k || !by_v) return nullptr;
    job.by_q = by_q.four(), job.by_k = by_k.four(), job.by_v = by_v.four();
    {
        WithoutGil meanwhile(work(forward));
        kernels().attention_grad(job);
    }
    return tuple_of(by_q, by_k, by_v);
}

}  // namespace

PyMethodDef ATTENTION[] = {FUNCTION(attention), FUNCTION(attention_grad), {}};

// The ops sgd_step and adam_step, from Python to the kernels of kernels/steps.cpp. They write their inputs and answer
// True.

#include <cmath>
#include <vector>

#include "arrays.h"
#include "kernels.h"
#include "python/families.h"

namespace {

using namespace arrays;

constexpr std::size_t LONGEST = 8192;  // numbers in a piece

// Parameters cut into pieces. What a kernel cannot read or write makes all of it unfit, before anything is written.
class Pieces {
  public:
    // A sequence of arrays for each pointer of Piece, in its order; states may be fewer, or empty.
    Pieces(PyObject* const* lists, std::size_t states) {
        const Py_ssize_t count = PySequence_Size(lists[0]);
        for (Py_ssize_t i = 0; fit && i < count; i++) add(lists, states, i);
    }
    std::size_t together() const { return total <= LONGEST ? list.size() : 1 + list.size() * LONGEST / (total + 1); }

    std::vector<Piece> list;
    std::size_t total = 0;
    bool fit = true;

  private:
    void add(PyObject* const* lists, std::size_t states, Py_ssize_t i) {
        float* data[5] = {};
        std::size_t size = 0;
        for (std::size_t k = 0; k < 2 + states; k++) {
            if (k >= 2 && PySequence_Size(lists[k]) == 0) continue;
            PyObject* item = PySequence_GetItem(lists[k], i);
            if (!item) PyErr_Clear();
            const Input array(item);
            Py_XDECREF(item);  // the list keeps it
            const bool writable = k == 1 || (array && PyArray_ISWRITEABLE(array.array));
            fit = fit && array && writable && (k == 0 || array.size == size);
            if (!fit) return;
            data[k] = const_cast<float*>(array.data);
            size = array.size;
        }
        cut({data[0], data[1], data[2], data[3], data[4], size});
    }

    void cut(const Piece& whole) {
        const auto from = [](auto* data, std::size_t begin) { return data ? data + begin : nullptr; };
        for (std::size_t begin = 0; begin < whole.size; begin += LONGEST) {
            const std::size_t rest = whole.size - begin;
            list.push_back({whole.param + begin, whole.grad + begin, from(whole.first, begin),
                            from(whole.second, begin), from(whole.third, begin), rest < LONGEST ? rest : LONGEST});
        }
        total += whole.size;
    }
};

float as_float(double number) { return static_cast<float>(number); }

PyObject* sgd_step(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("sgd_step", 10, count)) return nullptr;
    const Pieces pieces(args, 1);
    double options[4];  // lr, momentum, dampening, weight_decay
    for (int i = 0; i < 4; i++) options[i] = PyFloat_AsDouble(args[4 + i]);
    const bool first = PyObject_IsTrue(args[3]), nesterov = PyObject_IsTrue(args[8]);
    const bool maximize = PyObject_IsTrue(args[9]);
    if (PyErr_Occurred()) return nullptr;
    if (!pieces.fit) Py_RETURN_NONE;
    {
        WithoutGil meanwhile(pieces.total);
        kernels().sgd_step({pieces.list.data(), pieces.list.size(), pieces.together(), as_float(options[0]),
                            as_float(options[1]), as_float(1.0 - options[2]), as_float(options[3]), first, nesterov,
                            maximize});
    }
    Py_RETURN_TRUE;
}

PyObject* adam_step(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("adam_step", 13, count)) return nullptr;
    const Pieces pieces(args, 3);
    double beta1, beta2;
    if (!PyArg_ParseTuple(args[8], "dd", &beta1, &beta2)) return nullptr;
    const double step = PyFloat_AsDouble(args[5]), lr = PyFloat_AsDouble(args[7]), eps = PyFloat_AsDouble(args[9]);
    const double decay = PyFloat_AsDouble(args[10]);
    const bool decoupled = PyObject_IsTrue(args[6]), maximize = PyObject_IsTrue(args[12]);
    if (PyErr_Occurred()) return nullptr;
    if (!pieces.fit) Py_RETURN_NONE;
    {
        WithoutGil meanwhile(pieces.total);
        kernels().adam_step({pieces.list.data(), pieces.list.size(), pieces.together(),
                             as_float(decoupled ? 1.0 - lr * decay : 1.0), as_float(decoupled ? 0.0 : decay),
                             as_float(1.0 - beta1), as_float(beta2), as_float(1.0 - beta2),
                             as_float(std::sqrt(1.0 - std::pow(beta2, step))), as_float(eps),
                             as_float(lr / (1.0 - std::pow(beta1, step))), maximize});
    }
    Py_RETURN_TRUE;
}

}  // namespace

PyMethodDef STEPS[] = {FUNCTION(sgd_step), FUNCTION(adam_step), {}};

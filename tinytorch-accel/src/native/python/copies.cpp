// The op concatenate: no kernel, for copying is the same with every instruction set; what is gained is memory that was
// used before, and threads.

#include "arrays.h"
#include "pool.h"
#include "python/families.h"

#include <cstring>

namespace {

using namespace arrays;

constexpr Py_ssize_t MOST_PARTS = 64;
constexpr std::size_t PIECE = 65536;  // numbers that are worth handing to another thread

// Arrays to be joined along a dimension; `count` is 0 where they cannot be.
struct Joined {
    Joined(PyObject* list, int dim) {
        if (!PyList_CheckExact(list) || PyList_GET_SIZE(list) > MOST_PARTS) return;
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++)
            if (!take(Input(PyList_GET_ITEM(list, i)), dim, i)) return;
        count = PyList_GET_SIZE(list);
    }
    bool take(const Input& part, int dim, Py_ssize_t place) {
        if (!part || dim < 0 || dim >= PyArray_NDIM(part.array) || (place && PyArray_NDIM(part.array) != dims)) return false;
        const npy_intp* own = PyArray_DIMS(part.array);
        if (!place) {
            dims = PyArray_NDIM(part.array);
            std::memcpy(shape, own, dims * sizeof *shape);
            shape[dim] = 0;
            outer = PyArray_MultiplyList(own, dim);
        }
        for (int i = 0; i < dims; i++)
            if (i != dim && own[i] != shape[i]) return false;
        shape[dim] += own[dim];
        data[place] = part.data;
        run[place] = part.size / outer;
        all += run[place];
        return true;
    }
    Py_ssize_t count = 0;
    int dims = 0;
    npy_intp shape[NPY_MAXDIMS];
    const float* data[MOST_PARTS];
    std::size_t run[MOST_PARTS];  // numbers of a part that lie in a row
    std::size_t outer = 1, all = 0;
};

// The numbers of one part, in pieces: `run` of them go into every `all` numbers of the output.
void copy_part(const float* from, float* to, std::size_t outer, std::size_t run, std::size_t all) {
    in_blocks(outer * run, PIECE, [=](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin, next; i < end; i = next) {
            next = (i / run + 1) * run < end ? (i / run + 1) * run : end;
            std::memcpy(to + i / run * all + i % run, from + i, (next - i) * sizeof *from);
        }
    });
}

PyObject* concatenate(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!takes("concatenate", 2, count)) return nullptr;
    const long dim = PyLong_AsLong(args[1]);
    if (PyErr_Occurred()) return nullptr;
    const Joined parts(args[0], static_cast<int>(dim));
    if (!parts.count) Py_RETURN_NONE;
    Output out(parts.dims, parts.shape);
    if (!out) return nullptr;
    {
        WithoutGil meanwhile(parts.outer * parts.all);
        float* to = out.data;
        for (Py_ssize_t i = 0; i < parts.count; to += parts.run[i++])
            copy_part(parts.data[i], to, parts.outer, parts.run[i], parts.all);
    }
    return out.release();
}

}  // namespace

PyMethodDef COPIES[] = {FUNCTION(concatenate), {}};

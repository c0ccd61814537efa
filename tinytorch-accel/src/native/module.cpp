// The module tinytorch_accel._native: the functions of the families, threads, memory, instruction sets.

#include "arrays.h"
#include "kernels.h"
#include "memory.h"
#include "pool.h"
#include "python/families.h"

#include <cstdlib>

bool isa_runs_here(std::size_t place, const char*& isa);

namespace {

PyObject* isa(PyObject*, PyObject*) { return PyUnicode_FromString(kernels().isa); }

PyObject* isas(PyObject*, PyObject*) {
    PyObject* names = PyList_New(0);
    const char* name = nullptr;
    for (std::size_t place = 0; names && isa_runs_here(place, name); place++) {
        PyObject* text = name ? PyUnicode_FromString(name) : nullptr;
        if (name && (!text || PyList_Append(names, text))) Py_CLEAR(names);
        Py_XDECREF(text);
    }
    return names;
}

PyObject* threads(PyObject*, PyObject*) { return PyLong_FromLong(pool::threads()); }

PyObject* set_threads(PyObject*, PyObject* count) {
    const long wanted = PyLong_AsLong(count);
    if (PyErr_Occurred()) return nullptr;
    if (wanted < 1 || wanted > 1024)
        return PyErr_Format(PyExc_ValueError, "threads: expected 1 to 1024, got %ld", wanted);
    Py_BEGIN_ALLOW_THREADS  // it waits for the job that is under way
    pool::set_threads(static_cast<int>(wanted));
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

PyObject* memory_counts(PyObject*, PyObject*) {
    const memory::Counts now = memory::counts();
    return Py_BuildValue("{s:n,s:n,s:n,s:n,s:n}", "in_use", now.in_use, "kept", now.kept, "most", now.most, "hits",
                         now.hits, "misses", now.misses);
}

PyObject* keep_at_most(PyObject*, PyObject* bytes) {
    const std::size_t most = PyLong_AsSize_t(bytes);
    if (PyErr_Occurred()) return nullptr;
    memory::keep_at_most(most);
    Py_RETURN_NONE;
}

PyObject* release_memory(PyObject*, PyObject*) {
    memory::release();
    Py_RETURN_NONE;
}

PyMethodDef SETTINGS[] = {
    {"isa", isa, METH_NOARGS, nullptr},
    {"isas", isas, METH_NOARGS, nullptr},
    {"threads", threads, METH_NOARGS, nullptr},
    {"set_threads", set_threads, METH_O, nullptr},
    {"memory", memory_counts, METH_NOARGS, nullptr},
    {"keep_at_most", keep_at_most, METH_O, nullptr},
    {"release_memory", release_memory, METH_NOARGS, nullptr},
    {},
};

PyMethodDef* const FAMILIES[] = {SETTINGS,  ARITHMETIC, ATTENTION,  BATCH_NORM, CONV,     COPIES, CROSS_ENTROPY,
                                 EMBEDDING, FUNCTIONS,  GELU,       INT8_CODES, INT8_CONV, LAYER_NORM, MATMUL, MAX_POOL,
                                 RELU,      RMS_NORM,   ROTARY,     SOFTMAX,    STEPS,    SUM_POOL, SUMS};

PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT, "_native", "The compiled kernels.", -1, nullptr, nullptr, nullptr, nullptr, nullptr};

bool choose() {
    const char* wanted = std::getenv("TINYTORCH_ACCEL_ISA");
    const char* wrong = choose_kernels(wanted);
    if (wrong) PyErr_Format(PyExc_ImportError, "TINYTORCH_ACCEL_ISA is '%s', but %s", wanted, wrong);
    return !wrong;
}

}  // namespace

PyMODINIT_FUNC PyInit__native() {
    if (!arrays::start() || !choose()) return nullptr;
    PyObject* module = PyModule_Create(&MODULE);
    for (PyMethodDef* functions : FAMILIES)
        if (module && PyModule_AddFunctions(module, functions)) Py_CLEAR(module);
    if (module) Py_AtExit(pool::stop);
    return module;
}

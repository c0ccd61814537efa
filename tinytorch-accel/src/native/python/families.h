// The functions of every family, for module.cpp.

#pragma once

#include <Python.h>

// A function f(module, args, count) under its own name: called with positional arguments, no tuple made
// (METH_FASTCALL).
#define FUNCTION(name) \
    {#name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(name)), METH_FASTCALL, nullptr}

// The same under a name that is not the function's own.
inline PyMethodDef named(const char* name, PyObject* (*function)(PyObject*, PyObject* const*, Py_ssize_t)) {
    return {name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function)), METH_FASTCALL, nullptr};
}

extern PyMethodDef ARITHMETIC[];
extern PyMethodDef BATCH_NORM[];
extern PyMethodDef FUNCTIONS[];
extern PyMethodDef CONV[];
extern PyMethodDef GELU[];
extern PyMethodDef SOFTMAX[];
extern PyMethodDef CROSS_ENTROPY[];
extern PyMethodDef ATTENTION[];
extern PyMethodDef INT8_CODES[];
extern PyMethodDef INT8_CONV[];
extern PyMethodDef LAYER_NORM[];
extern PyMethodDef MATMUL[];
extern PyMethodDef MAX_POOL[];
extern PyMethodDef RELU[];
extern PyMethodDef COPIES[];
extern PyMethodDef EMBEDDING[];
extern PyMethodDef RMS_NORM[];
extern PyMethodDef ROTARY[];
extern PyMethodDef STEPS[];
extern PyMethodDef SUM_POOL[];
extern PyMethodDef SUMS[];

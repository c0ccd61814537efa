// Arguments of the ops on int8 codes.

#pragma once

#include "arrays.h"

namespace arrays {

// `count` whole numbers of this type in a row, or null.
template <class Number> const Number* row_of(PyObject* argument, int type, std::size_t count) {
    PyArrayObject* array = array_of(argument, type);
    const bool fits = array && PyArray_NDIM(array) == 1 && PyArray_ISCARRAY_RO(array) &&
                      static_cast<std::size_t>(PyArray_SIZE(array)) == count;
    return fits ? static_cast<const Number*>(PyArray_DATA(array)) : nullptr;
}

// Whole numbers from -128 to 127, or false; never a Python error.
template <class... Numbers> bool codes_of(PyObject* const* args, Numbers&... codes) {
    bool all = true;
    const auto take = [&](std::int32_t& code) {
        int overflow = 0;
        const long value = PyLong_Check(*args) ? PyLong_AsLongAndOverflow(*args, &overflow) : 1000;
        args++;
        all &= !overflow && value >= -128 && value <= 127;
        code = static_cast<std::int32_t>(value);
    };
    (take(codes), ...);
    return all;
}

// A shift to the right, or none: the kernels have no other.
inline bool none_above_zero(const std::int8_t* shifts, std::size_t count) {
    for (std::size_t i = 0; i < count; i++)
        if (shifts[i] > 0 || shifts[i] < -31) return false;
    return true;
}

}  // namespace arrays

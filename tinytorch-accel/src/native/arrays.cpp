// Outputs are ordinary arrays: they own their memory, `base` is None. That it is ours stands in the array's memory
// handler (NEP 49), which numpy asks when the array is gone. The handler is put into the one array, not set for the
// process or a context, where it would serve everybody's arrays and cost more than a small op.

#define ARRAYS_CPP
#include "arrays.h"

#include "memory.h"

#include <cstring>

namespace arrays {
namespace {

constexpr std::size_t SMALL = 4096;         // bytes: below a page, malloc is fast enough and never faults
constexpr unsigned NUMPYS_DOMAIN = 389047;  // in tracemalloc, which numpy tells of memory that it frees

PyObject* handler_capsule = nullptr;

void* allocate(void*, std::size_t size) { return memory::take(size); }
void deallocate(void*, void* block, std::size_t) { memory::give(block); }

void* allocate_zeros(void*, std::size_t count, std::size_t size) {
    void* block = memory::take(count * size);
    return block ? std::memset(block, 0, count * size) : nullptr;
}

void* reallocate(void*, void* block, std::size_t size) {
    void* moved = memory::take(size);
    if (!moved || !block) return moved;
    const std::size_t had = memory::bytes_in(block);
    std::memcpy(moved, block, had < size ? had : size);
    memory::give(block);
    return moved;
}

PyDataMem_Handler handler = {"tinytorch_accel", 1, {nullptr, allocate, allocate_zeros, reallocate, deallocate}};

PyObject* in_memory_of_ours(int dims, const npy_intp* shape, int type, std::size_t bytes) {
    void* block = memory::take(bytes);
    if (!block) return PyErr_NoMemory();
    PyArray_Descr* dtype = PyArray_DescrFromType(type);
    PyObject* made =
        PyArray_NewFromDescr(&PyArray_Type, dtype, dims, shape, nullptr, block, NPY_ARRAY_CARRAY, nullptr);
    if (!made) {
        memory::give(block);
        return nullptr;
    }
    PyArrayObject* array = reinterpret_cast<PyArrayObject*>(made);
    Py_INCREF(handler_capsule);
    reinterpret_cast<PyArrayObject_fields*>(array)->mem_handler = handler_capsule;
    PyArray_ENABLEFLAGS(array, NPY_ARRAY_OWNDATA);
    PyTraceMalloc_Track(NUMPYS_DOMAIN, reinterpret_cast<std::uintptr_t>(block), bytes);
    return made;
}

}  // namespace

bool start() {
    import_array1(false);
    handler_capsule = PyCapsule_New(&handler, "mem_handler", nullptr);
    return handler_capsule;
}

Input::Input(PyObject* argument) {
    if (!argument || !PyArray_CheckExact(argument)) return;
    PyArrayObject* given = reinterpret_cast<PyArrayObject*>(argument);
    if (PyArray_TYPE(given) != NPY_FLOAT32 || !PyArray_ISCARRAY_RO(given) || PyArray_SIZE(given) == 0) return;
    array = given;
    data = static_cast<const float*>(PyArray_DATA(given));
    size = static_cast<std::size_t>(PyArray_SIZE(given));
}

bool Input::has_shape_of(const Input& other) const { return PyArray_SAMESHAPE(array, other.array); }

bool Input::is_end_of(const Input& other, int dims) const {
    const int before = PyArray_NDIM(other.array) - dims;
    return before >= 0 && PyArray_NDIM(array) == dims &&
           PyArray_CompareLists(PyArray_DIMS(array), PyArray_DIMS(other.array) + before, dims);
}

Output::Output(const Input& of_shape) : Output(PyArray_NDIM(of_shape.array), PyArray_DIMS(of_shape.array)) {}

Output::Output(int dims, const npy_intp* shape, int type) {
    const std::size_t bytes = PyArray_MultiplyList(shape, dims) * (type == NPY_UINT8 || type == NPY_INT8 ? 1 : sizeof(float));
    array = bytes < SMALL ? PyArray_SimpleNew(dims, shape, type) : in_memory_of_ours(dims, shape, type, bytes);
    if (array) data = static_cast<float*>(PyArray_DATA(reinterpret_cast<PyArrayObject*>(array)));
}

PyObject* Output::release() {
    PyObject* released = array;
    array = nullptr;
    return released;
}

PyArrayObject* array_of(PyObject* argument, int type) {
    if (!PyArray_CheckExact(argument)) return nullptr;
    PyArrayObject* given = reinterpret_cast<PyArrayObject*>(argument);
    const bool right = PyArray_TYPE(given) == type && PyArray_ISALIGNED(given) && PyArray_ISNOTSWAPPED(given);
    return right && PyArray_SIZE(given) > 0 ? given : nullptr;
}

bool lies_in_order(PyArrayObject* array, const int* order) {
    npy_intp expected = PyArray_ITEMSIZE(array);
    for (int i = PyArray_NDIM(array) - 1; i >= 0; i--) {
        if (PyArray_DIM(array, order[i]) != 1 && PyArray_STRIDE(array, order[i]) != expected) return false;
        expected *= PyArray_DIM(array, order[i]);
    }
    return true;
}

Order::Order(PyArrayObject* array) : dims(PyArray_NDIM(array)), usual(PyArray_IS_C_CONTIGUOUS(array)) {
    for (int i = 0; i < dims && i < MOST_DIMS; i++) {
        int at = i;
        for (; !usual && at && PyArray_STRIDE(array, place[at - 1]) < PyArray_STRIDE(array, i); at--)
            place[at] = place[at - 1];
        place[at] = i;
    }
}

bool Order::is_of(PyArrayObject* array) const {
    return usual ? PyArray_IS_C_CONTIGUOUS(array) : dims <= MOST_DIMS && lies_in_order(array, place);
}

InOrder::InOrder(PyObject* argument) {
    PyArrayObject* given = array_of(argument, NPY_FLOAT32);
    if (!given || !Order(given).is_of(given)) return;
    array = given;
    data = static_cast<const float*>(PyArray_DATA(given));
    size = static_cast<std::size_t>(PyArray_SIZE(given));
}

namespace {

// A shape with its dimensions in another order.
struct Ordered {
    Ordered(PyArrayObject* array, const Order& order) {
        for (int i = 0; !order.usual && i < order.dims; i++) moved[i] = PyArray_DIM(array, order.place[i]);
        shape = order.usual ? PyArray_DIMS(array) : moved;
    }
    npy_intp moved[Order::MOST_DIMS];
    const npy_intp* shape;
};

}  // namespace

OutputInOrder::OutputInOrder(PyArrayObject* x, const Order& order, int type)
    : Output(order.dims, Ordered(x, order).shape, type) {}

PyObject* OutputInOrder::release(const Order& order) {
    if (order.usual) return Output::release();
    npy_intp back[Order::MOST_DIMS];
    for (int i = 0; i < order.dims; i++) back[order.place[i]] = i;
    PyArray_Dims dims = {back, order.dims};
    return PyArray_Transpose(reinterpret_cast<PyArrayObject*>(array), &dims);
}

bool takes(const char* function, Py_ssize_t wanted, Py_ssize_t given) {
    if (wanted == given) return true;
    PyErr_Format(PyExc_TypeError, "%s: expected %zd arguments, got %zd", function, wanted, given);
    return false;
}

}  // namespace arrays

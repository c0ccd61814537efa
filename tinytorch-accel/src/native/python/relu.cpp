// The ops relu and relu_grad, from Python to the kernels of kernels/relu.cpp.

#include "kernels.h"
#include "python/elementwise.h"

PyMethodDef RELU[] = {of_one<"relu", &Kernels::relu>(), of_grad<"relu_grad", &Kernels::relu_grad>(), {}};

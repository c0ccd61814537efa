// Products of few rows: see few_rows.cpp.

#pragma once

#include "kernels.h"

namespace ISA {

bool takes_few_rows(const Product& job);
void multiply_few_rows(const Product& job);

}  // namespace ISA

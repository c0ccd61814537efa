// Attention of one query: see one_query.cpp.

#pragma once

#include "kernels.h"

namespace ISA {

void attend_with_one_query(const Attention& job);

}  // namespace ISA

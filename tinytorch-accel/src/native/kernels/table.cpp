// The table of one instruction set: each family writes its kernels into it.

#include "kernels.h"

#define NAME_OF(isa) TEXT_OF(isa)
#define TEXT_OF(isa) #isa

namespace ISA {

void add_batch_norm(Kernels& table);
void add_arithmetic(Kernels& table);
void add_functions(Kernels& table);
void add_conv(Kernels& table);
void add_conv_weight_grad(Kernels& table);
void add_gelu(Kernels& table);
void add_softmax(Kernels& table);
void add_cross_entropy(Kernels& table);
void add_attention(Kernels& table);
void add_int8_codes(Kernels& table);
void add_int8_conv(Kernels& table);
void add_layer_norm(Kernels& table);
void add_matmul(Kernels& table);
void add_max_pool(Kernels& table);
void add_relu(Kernels& table);
void add_embedding(Kernels& table);
void add_rms_norm(Kernels& table);
void add_rotary(Kernels& table);
void add_steps(Kernels& table);
void add_sum_pool(Kernels& table);
void add_sums(Kernels& table);

Kernels table() {
    Kernels table{};
    table.isa = NAME_OF(ISA);
    add_batch_norm(table);
    add_arithmetic(table);
    add_functions(table);
    add_conv(table);
    add_conv_weight_grad(table);
    add_gelu(table);
    add_softmax(table);
    add_cross_entropy(table);
    add_attention(table);
    add_int8_codes(table);
    add_int8_conv(table);
    add_layer_norm(table);
    add_matmul(table);
    add_max_pool(table);
    add_relu(table);
    add_embedding(table);
    add_rms_norm(table);
    add_rotary(table);
    add_steps(table);
    add_sum_pool(table);
    add_sums(table);
    return table;
}

}  // namespace ISA

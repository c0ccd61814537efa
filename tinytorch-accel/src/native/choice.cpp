// Which instruction set serves: the best that this processor has, or the one that was asked for.

#include "kernels.h"

#include <cstring>

namespace baseline {
Kernels table();
}
#ifdef ACCEL_X86
namespace avx2 {
Kernels table();
}
#ifdef ACCEL_AVX512
constexpr bool avx512_compiled = true;
namespace avx512 {
Kernels table();
}
namespace avx512vnni {
Kernels table();
}
#else
constexpr bool avx512_compiled = false;
namespace avx512 {
constexpr Kernels (*table)() = nullptr;
}
namespace avx512vnni {
constexpr Kernels (*table)() = nullptr;
}
#endif
#endif

namespace {

bool everywhere() { return true; }

#ifdef ACCEL_X86
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

bool has_avx512() {
    return avx512_compiled && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && has_avx2();
}

bool has_avx512vnni() { return has_avx512() && __builtin_cpu_supports("avx512vnni"); }
#endif

struct Choice {
    const char* isa;
    bool (*runs_here)();
    Kernels (*table)();
};

// The best first.
const Choice CHOICES[] = {
#ifdef ACCEL_X86
    {"avx512vnni", has_avx512vnni, avx512vnni::table},
    {"avx512", has_avx512, avx512::table},
    {"avx2", has_avx2, avx2::table},
#endif
    {"baseline", everywhere, baseline::table},
};

Kernels chosen;

}  // namespace

const Kernels& kernels() { return chosen; }

bool isa_runs_here(std::size_t place, const char*& isa) {
    if (place >= sizeof CHOICES / sizeof *CHOICES) return false;
    isa = CHOICES[place].runs_here() ? CHOICES[place].isa : nullptr;
    return true;
}

const char* choose_kernels(const char* isa) {
    const bool any = !isa || !*isa;
    for (const Choice& choice : CHOICES) {
        if (!any && std::strcmp(isa, choice.isa)) continue;
        if (choice.runs_here()) {
            chosen = choice.table();
            return nullptr;
        }
        if (!any) return "this processor lacks it";
    }
    return "there is none of this name";
}

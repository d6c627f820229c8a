#include "slurm/abi/memory.hpp"

extern "C" {
[[gnu::weak]] char* slurm_xstrdup(const char* text);
[[gnu::weak]] void slurm_xfree(void** item);
}

namespace railhead::abi {

void assign(char*& field, const std::string& text) {
    if (!slurm_xstrdup || !slurm_xfree) return;
    if (field) {
        void* old = field;
        slurm_xfree(&old);
    }
    field = slurm_xstrdup(text.c_str());
}

} // namespace railhead::abi

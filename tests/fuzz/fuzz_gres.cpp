// GRES text of a submission and of a node, in every version's grammar: parsed, and nothing but an error for
// the rest.
#include "slurm/gres.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    auto items = railhead::parse_tres(text, railhead::Per::node);
    if (items)
        for (const auto& item : *items)
            if (item.gres.empty() || item.count == 0) std::abort();
    if (!items && sentence(items.error()).empty()) std::abort();
    auto gres = railhead::parse_node_gres(text);
    if (gres)
        for (std::size_t i = 0; i < gres->size(); ++i)
            for (std::size_t j = i + 1; j < gres->size(); ++j)
                if ((*gres)[i].gres == (*gres)[j].gres && (*gres)[i].type == (*gres)[j].type) std::abort();
    return 0;
}

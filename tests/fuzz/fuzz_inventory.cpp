// What scontrol prints, or a saved file that somebody edited: an inventory whose parts fit together, or an
// error.
#include "slurm/inventory_text.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto inventory = railhead::inventory_from_text({reinterpret_cast<const char*>(data), size});
    if (!inventory) {
        if (sentence(inventory.error()).empty()) std::abort();
        return 0;
    }
    for (const auto& node : inventory->nodes)
        if (node.node_class >= inventory->classes.size() ||
            (node.leaf && *node.leaf >= inventory->leaves.size()))
            std::abort();
    for (const auto& partition : inventory->partitions)
        for (auto node : partition.nodes)
            if (node >= inventory->nodes.size()) std::abort();
    return 0;
}

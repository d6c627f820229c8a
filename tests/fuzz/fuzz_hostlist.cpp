// Host lists and counts as they stand in the environment of a job: parsed within bounds, and the short form
// names the same hosts.
#include "slurm/hostlist.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    constexpr std::size_t limit = 2000;
    if (auto hosts = railhead::expand_hostlist(text, limit)) {
        if (hosts->size() > limit) std::abort();
        auto again = railhead::expand_hostlist(railhead::compress_hostlist(*hosts), limit);
        if (!again) std::abort();
        std::ranges::sort(*hosts);
        std::ranges::sort(*again);
        if (*hosts != *again) std::abort();
    }
    if (auto counts = railhead::expand_counts(text, limit); counts && counts->size() > limit) std::abort();
    return 0;
}

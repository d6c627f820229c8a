// What scontrol says of a job: whatever the text, splitting by it loses no node and keeps Slurm's order.
#include "slurm/job_details.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto details = railhead::job_details_from({reinterpret_cast<const char*>(data), size});
    railhead::Allocation allocation;
    allocation.job_id = "10";
    allocation.components.resize(1);
    allocation.components[0].nodes = {"node1", "node2", "node3"};
    allocation.components[0].cpus = {4, 5, 6};
    auto split = railhead::with_details(allocation, details);
    if (split.nodes() != allocation.nodes()) std::abort();
    for (const auto& part : split.components)
        if (part.nodes.size() != part.cpus.size() || part.gpus.value_or(0) < 0) std::abort();
    return 0;
}

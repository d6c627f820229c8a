// Anything that a kernel's text files may hold, and anything that stands in the place of railhead's answer to
// its plugin.
#include "preflight/kernel_log.hpp"
#include "preflight/node_facts.hpp"
#include "preflight/rails.hpp"
#include "slurm/fields.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    railhead::KernelLog log;
    if (auto record = railhead::kernel_record_from(text)) log.records.push_back(*record);
    log.records.push_back({1, text});
    for (const auto& finding : railhead::xid_verdicts(log, 2))
        if (finding.id.empty() || finding.seen.empty()) std::abort();
    for (const auto& mount : railhead::remote_mounts_in(text))
        if (mount.kind.empty()) std::abort();
    if (railhead::default_interface_in(text).size() > size) std::abort();
    if (railhead::numbers_in(text).size() > 1024 * (size + 1)) std::abort();
    if (auto told = railhead::rails_from(text)) {
        (void)railhead::variables_of_task(told->rails, {0, 1}, 4);
        for (const auto& each : told->variables)
            if (each.name.empty()) std::abort();
    }
    return 0;
}

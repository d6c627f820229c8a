// What a user can write into the text of a submission (constraint, hosts, GRES) meets every rule: none
// throws, and each verdict is one line that railhead policy stats can read again.
#include "rules/judge.hpp"
#include "rules/verdict_line.hpp"
#include "slurm/gres.hpp"
#include "tests/unit/rules/clusters.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto inventory = railhead::example::cluster();
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    std::array<std::string, 7> fields; // a line each
    for (auto& field : fields) {
        field = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(field.size() + 1, rest.size()));
    }
    auto items = railhead::parse_tres(fields[0], railhead::Per::node);
    if (!items) return 0;
    railhead::JobRequest job{.nodes_min = 2, .nodes_max = 2};
    job.gpus.items = std::move(*items);
    job.features = fields[1];
    job.nodelist = fields[2];
    job.exclude = fields[3];
    job.reservation = fields[4];
    if (!fields[5].empty()) job.partitions = {fields[5]};
    job.gpu_bind = fields[6];
    for (const auto& finding : railhead::judge(job, inventory, {}).findings) {
        auto line = "job_submit/railhead: " + verdict_line(finding, job, 1001);
        if (line.find('\n') != line.npos || !railhead::verdict_in(line)) std::abort();
    }
    return 0;
}

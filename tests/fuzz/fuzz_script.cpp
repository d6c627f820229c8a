// A batch script of anybody's: read and judged, and every finding says something at a line that is there.
#include "lint/checks.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    auto script = railhead::read_script("job.sh", text);
    auto lines = std::count(text.begin(), text.end(), '\n') + 1;
    for (const auto& line : script.lines)
        if (line.words.empty() || line.number < 1 || line.number > lines) std::abort();
    for (const auto& finding :
         railhead::check_script(script, {.exists = [](const std::string&) { return false; }, .slurm = 2205}))
        if (sentence(finding).empty() || finding.id.empty()) std::abort();
    return 0;
}

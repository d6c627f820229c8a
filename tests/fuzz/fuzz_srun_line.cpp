// What srun says on standard error, into which a user's own program can write: whatever the line, a node that
// is named was in it.
#include "launcher/supervisor/srun.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view line(reinterpret_cast<const char*>(data), size);
    auto started = railhead::node_that_started(line);
    if (started && (started->empty() || line.find(*started) == line.npos)) std::abort();
    auto ended = railhead::tasks_that_ended(line);
    if (ended && (ended->nodes.empty() || line.find(ended->how) == line.npos)) std::abort();
    if ((started || ended) && !line.starts_with("srun: ")) std::abort();
    (void)railhead::is_chatter(line);
    return 0;
}

// Lines of sacct, whose last field is a command line of anybody's: a job or nothing.
#include "lint/history.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto job = railhead::past_job_from({reinterpret_cast<const char*>(data), size});
    if (job && job->id.empty()) std::abort();
    return 0;
}

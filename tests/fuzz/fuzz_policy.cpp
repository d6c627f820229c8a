// A settings file that anybody may have written: loaded or refused, and what is loaded is within its bounds.
#include "policy/settings.hpp"
#include "policy/table.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const int file = memfd_create("settings", MFD_CLOEXEC);
    static const std::string path = "/proc/self/fd/" + std::to_string(file);
    if (ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != static_cast<ssize_t>(size)) return 0;
    for (bool site : {true, false}) {
        auto loaded = railhead::load_settings(site ? path : "", site ? "" : path, railhead::Environment());
        if (!loaded) continue;
        double grace = loaded->settings.seconds(railhead::Key::launch_grace);
        if (!(grace >= 0 && grace <= 3600)) std::abort();
        if (loaded->settings.text(railhead::Key::launch_tmp).size() > 15) std::abort();
        if (!site && loaded->settings.text(railhead::Key::submit_placement) != "any") std::abort();
    }
    return 0;
}

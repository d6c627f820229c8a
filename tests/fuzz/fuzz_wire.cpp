// Every line that a peer of the control channel may send: parsed, never thrown over, and what was parsed
// survives the way back.
#include "launcher/wire.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    if (auto frame = railhead::frame_from(text)) {
        auto line = railhead::to_line(*frame);
        if (line.size() <= railhead::max_frame_bytes && !railhead::frame_from(line)) std::abort();
    }
    if (auto invitation = railhead::invitation_from(text))
        if (!railhead::invitation_from(railhead::to_line(*invitation))) std::abort();
    return 0;
}

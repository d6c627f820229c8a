#pragma once
// toml++ without its known faults; nobody else includes it. The parser runs without exceptions
// (TOML_EXCEPTIONS=0, cmake/flags.cmake).
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

// toml++ 3.2 to 3.4 asserts that a section's name begins with a character that may begin one, and has release
// builds assume it; "[!]" does not. Without either, its own check a few lines on refuses such a name.
#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_ASSERT(condition) static_cast<void>(0)
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

namespace railhead {

/// What is wrong with a text: "the settings " and `seen` are a sentence. Line and column count from 1.
struct TomlFault {
    std::uint32_t line = 0, column = 0;
    std::string seen;
};

/// A text as TOML. No bound of its own: the tables take some 50 times the text's size.
tl::expected<toml::table, TomlFault> parse_toml(std::string_view text);

} // namespace railhead

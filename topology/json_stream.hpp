#pragma once
// Include it in .cpp files only.
#include "base/error.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace railhead::topology {

/// JSON values that stand one after the other, as many programs' answers that were put into one file. Only
/// one is in memory at a time.
class JsonStream {
  public:
    explicit JsonStream(std::string_view text) : text_(text) {}

    /// Absent at the end. Error (usage) with the line of what is no JSON, where it is damaged.
    Result<std::optional<nlohmann::json>> next();
    std::uint32_t line() const { return line_; } ///< where the last value begins, counted from 1

  private:
    struct End {
        std::size_t at = 0;
        bool is_too_deep = false; ///< there
    };
    End end_of_value() const;

    std::string_view text_;
    std::size_t at_ = 0;
    std::uint32_t line_ = 1;
    std::uint32_t next_line_ = 1; ///< of the character at `at_`
};

/// What one finds by going down by these names; of a list with one element the element, as json0 of lldpcli
/// writes everything. Null where there is nothing.
const nlohmann::json& below(const nlohmann::json& value, std::initializer_list<const char*> names);
/// Its text, where it is one; empty otherwise.
std::string_view text_of(const nlohmann::json& value);

} // namespace railhead::topology

#pragma once
#include <string>

namespace CLI {
class App;
class ParseError;
} // namespace CLI

namespace railhead {

/// What is wrong with a command line that CLI11 could not take, in one sentence without full stop: the first
/// wrong word as it was typed, and what could stand there.
std::string usage_sentence(const CLI::App& app, const CLI::ParseError& error);

} // namespace railhead

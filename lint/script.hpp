#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

inline constexpr int every_component = -1;

/// An option as sbatch reads it from a script or a command line; short ones and unambiguous beginnings under
/// their long name.
struct ScriptOption {
    std::string name;  ///< "--nodes"
    std::string value; ///< empty: none
    int line = 0;      ///< 0: of the command line or the environment
    int component = 0; ///< of a heterogeneous job; every_component: of the environment and of #PBS
    bool operator==(const ScriptOption&) const = default;
};

/// A command of the body: continued lines joined, comments and here-documents left out.
struct ScriptLine {
    int number = 0;                 ///< where it begins
    std::string text;               ///< without its comment
    std::vector<std::string> words; ///< as a shell splits them: quotes gone, operators words of their own
    bool in_loop = false;           ///< in the body of a for, while or until
};

/// A batch script, read as sbatch(1) and a shell read it, as far as a line at a time tells.
struct Script {
    std::string name;
    std::vector<ScriptOption> options; ///< of #SBATCH, of #PBS, of the environment, of the command line
    std::vector<int> components{0};    ///< of a heterogeneous job, each with the line of its "#SBATCH hetjob"
    std::vector<int> late;             ///< lines that begin with #SBATCH after the first command: never read
    std::vector<int> mistyped;         ///< comments before it that look like #SBATCH and are not
    std::vector<ScriptLine> lines;
    bool has_interpreter = false; ///< it begins with #!
    bool is_shell = true;         ///< else it is Python's, say, and has no lines
    bool has_dos_lines = false;   ///< sbatch refuses them

    /// The value that holds: the command line's before the script's, the last before the first; nullptr:
    /// nobody gave it.
    const ScriptOption* option(std::string_view name) const;
};

/// Any text is a script; nothing in it is executed. `more` are sbatch options of a command line,
/// `of_environment` those of environment_options (lint/options.hpp).
Script read_script(std::string name, std::string_view text, const std::vector<std::string>& more = {},
                   const std::vector<std::string>& of_environment = {});

/// The script with the options of one component only, and those that sbatch carries over from earlier ones.
Script component_of(const Script& script, int number);

/// Splits as a shell does, without expanding anything: "a 'b c' $(d e)|f" -> a, b c, $(d e), |, f.
std::vector<std::string> shell_words(std::string_view text);

} // namespace railhead

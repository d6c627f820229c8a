#pragma once
#include "base/finding.hpp"
#include "lint/script.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace railhead {

/// What a script's findings depend on beside its text.
struct Surroundings {
    std::function<bool(const std::string&)> exists; ///< whether a path, as the job will see it, is there
    /// Whether a folder that is not there can be made by the job; not asked: nobody knows, and so it can.
    std::function<bool(const std::string&)> can_be_made = [](const std::string&) { return true; };
    int slurm = 0; ///< the version that will run it: 2205 is 22.05; 0: unknown
};

/// 2205 of "slurm-wlm 22.05.8", as `scontrol --version` says it; 0: it is no version.
int version_from(std::string_view said);

/// What only a script shows, each with what to write instead. Pure but for `exists`. Each finding's `where`
/// is "NAME:LINE". A script that is right has none.
std::vector<Finding> check_script(const Script& script, const Surroundings& around);

/// The part of check_script in header_checks.cpp: what sbatch will not read, and options that are not passed
/// on to srun.
void check_header(const Script& script, int slurm, std::vector<Finding>& findings);
/// In launch_checks.cpp: how the program is started on the nodes.
void check_launch(const Script& script, std::vector<Finding>& findings);
/// In master_check.cpp: where a job of several nodes has its ranks look for the first.
void check_master(const Script& script, const ScriptLine& line, std::vector<Finding>& findings);
/// In sleep_check.cpp: a pause that hopes that something started in the background is up by then.
void check_sleep(const Script& script, std::vector<Finding>& findings);
/// In path_checks.cpp: files and folders that are not there.
void check_paths(const Script& script, const Surroundings& around, std::vector<Finding>& findings);

/// Whether `word` stands in `text` as a word of its own: not a part of a longer name.
bool mentions(std::string_view text, std::string_view word);

/// "job.sh:12"
std::string place(const Script& script, int line);

/// The number that an option gives; `otherwise` when it gives none.
long number_of(const Script& script, std::string_view option, long otherwise);

/// Digits alone.
bool is_number(std::string_view text);

/// "|", "&&", ";" and so on.
bool is_operator(std::string_view word);

/// The simple commands of a line, in their order, without the shell's own words before them ("then", "do").
std::vector<ScriptLine> commands_of(const ScriptLine& line);

/// Whether a command shows, looks up or searches for its words and starts none of them.
bool prints(const ScriptLine& command);

/// All words of the line, and those inside of its quoted commands ("bash -c '...'") and substitutions; of
/// what is only printed, the substitutions alone.
std::vector<std::string> all_words(const ScriptLine& line);

/// "bash" and its like, with or without a folder.
bool is_shell(std::string_view program);

/// The text behind the -c of a shell that the command starts, itself or by srun; empty: none.
std::string shell_command(const ScriptLine& command);

/// The value of a word "NAME=..."; empty: it is none.
std::string_view assigned(std::string_view word, std::string_view name);

/// The value of an option of that name at this word, in either form; empty: it is none.
std::string_view value_at(const std::vector<std::string>& words, std::size_t i, std::string_view name);

/// "29500" of "${MASTER_PORT:-29500}"; any other word is its own.
std::string_view default_of(std::string_view word);

/// Puts in the values of variables that the script sets once, whatever it is told; as `text` keeps its
/// quotes, only the words change.
void put_values(std::vector<ScriptLine>& lines);

/// Whether a shell's words start torchrun.
bool starts_torch(const std::string& text);

/// How often the script gives the variable a value.
std::size_t times_set(const Script& script, std::string_view variable);

/// A step that a line starts: srun's own options, and the program's words up to the shell's next operator.
struct StepLine {
    std::vector<ScriptOption> options;
    std::vector<std::string> program;
    bool in_background = false;
    bool is_heterogeneous = false; ///< "srun A : B"; options and program are those of A
    /// The last one of this long name; nullptr: srun has none.
    const ScriptOption* option(std::string_view name) const;
};
/// The first one of the line; absent: it starts none.
std::optional<StepLine> step_of(const ScriptLine& line);

/// Whether it starts Python or torchrun.
bool starts_program(const std::string& text);

/// Whether a variable before the program may hold one of these options of srun ("-K"): where it comes from
/// outside, or the script has them anywhere.
bool may_hold(const Script& script, const StepLine& step, const std::vector<std::string_view>& options);

/// The program and its words.
std::string text_of(const StepLine& step);

} // namespace railhead

#include "lint/checks.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace railhead {
namespace {

/// Nothing that a shell or sbatch would still replace.
bool is_plain(std::string_view path) {
    return !path.empty() && path.find_first_of("$`*?%{~") == path.npos;
}

std::string without_dot(std::string path) {
    while (path.starts_with("./")) path.erase(0, 2);
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    return path.empty() ? "." : path;
}

std::string_view last_part(std::string_view path) {
    return path.substr(path.rfind('/') + 1); // npos + 1 is 0
}

/// Files and folders of a command's words that it makes: cp and its like their last word and, in that place,
/// what they copy; others what they are named.
void note_made_by(const std::vector<std::string>& words, std::vector<std::string>& made) {
    const auto& command = words.front();
    std::vector<std::string> names;
    for (std::size_t i = 1; i < words.size(); ++i)
        if (!words[i].starts_with('-')) names.push_back(without_dot(words[i]));
    if (names.empty()) return;
    auto name = std::string(last_part(names.back()));
    bool fetches = command == "wget" || command == "curl";
    if (command == "cp" || command == "mv" || command == "ln" || command == "rsync" || command == "scp") {
        made.push_back(names.back());
        if (names.back() != ".") return;
        for (const auto& from : names) made.emplace_back(last_part(from));
        // Whole folders: what is in them nobody knows.
        if (command == "rsync" || std::any_of(words.begin(), words.end(), [](auto& word) {
                return word.starts_with("-r") || word.starts_with("-R") || word.starts_with("-a");
            }))
            made.emplace_back("*");
    } else if (command == "tee" || command == "touch" || command == "install" || fetches) {
        made.insert(made.end(), names.begin(), names.end());
        for (const auto& from : names)
            if (fetches) made.emplace_back(last_part(from));
    } else if (command == "git" && names.size() > 1 && names.front() == "clone") {
        made.push_back(names.back());
        made.push_back(name.ends_with(".git") ? name.substr(0, name.size() - 4) : name);
    }
}

/// What a line makes: by redirection, and by the commands that copy and fetch.
void note_made(const ScriptLine& line, std::vector<std::string>& made) {
    std::vector<std::string> command;
    for (std::size_t i = 0; i <= line.words.size(); ++i) {
        if (i == line.words.size() || is_operator(line.words[i])) {
            if (!command.empty()) note_made_by(command, made);
            command.clear();
            continue;
        }
        const auto& word = line.words[i];
        auto target = word.find('>') == word.npos ? "" : word.substr(word.rfind('>') + 1);
        bool redirects = word.starts_with('>') || word.starts_with("1>") || word.starts_with("&>");
        if (redirects && target.empty() && i + 1 < line.words.size()) target = line.words[++i];
        if (redirects && !target.empty())
            made.push_back(without_dot(target));
        else if (!redirects)
            command.push_back(word);
    }
}

/// "python3", "python3.11"
bool is_python(std::string_view name) {
    constexpr std::string_view python = "python";
    return name.starts_with(python) &&
           name.substr(python.size()).find_first_not_of("0123456789.") == name.npos;
}

/// A module that starts the script among its words; every other has them for arguments.
bool is_launcher(std::string_view module) {
    return module == "torch.distributed.run" || module == "torch.distributed.launch" ||
           module == "accelerate.commands.launch";
}

/// "$RUN python3 /workspace/x.py", where $RUN may start a container.
bool is_behind_variable(const ScriptLine& line) {
    const auto step = step_of(line);
    const auto& words = step ? step->program : line.words;
    return !words.empty() && words.front().starts_with('$');
}

/// The Python file that a line starts; empty: none, or one that only the shell knows.
std::string program_of(const ScriptLine& line) {
    const auto& words = line.words;
    if (prints(line) || is_behind_variable(line)) return {};
    auto at = std::find_if(words.begin(), words.end(), [](const std::string& word) {
        auto name = last_part(word);
        return word.find(' ') == word.npos &&
               (is_python(name) || name == "torchrun" || name == "accelerate" || name == "deepspeed");
    });
    bool of_python = at != words.end() && is_python(last_part(*at)), may_be_value = false;
    for (; at != words.end() && !is_operator(*at); ++at) {
        if (at->ends_with(".py") && at->find(' ') == at->npos) return *at;
        const bool is_module = *at == "-m" || *at == "--module";
        if (is_module && of_python && at + 1 != words.end() && is_launcher(*(at + 1))) {
            of_python = false;
            ++at;
            continue;
        }
        if (is_module || *at == "-c" || *at == "-" || *at == "--no-python" || *at == "--no_python") return {};
        if (at->starts_with('$') && !may_be_value) return {}; // the program itself
        if (of_python && !may_be_value && !at->starts_with('-') && !is_python(last_part(*at))) return {};
        may_be_value =
            of_python ? *at == "-X" || *at == "-W" : at->starts_with('-') && at->find('=') == at->npos;
    }
    return {};
}

/// How many words follow an option of mpirun; absent: nobody knows all of them.
std::optional<int> values_of(std::string_view option) {
    constexpr auto none = std::to_array<std::string_view>(
        {"oversubscribe", "allow-run-as-root", "report-bindings", "use-hwthread-cpus", "l", "v", "verbose"});
    constexpr auto one = std::to_array<std::string_view>(
        {"np", "n", "c", "N", "x", "H", "host", "hosts", "hostfile", "machinefile", "f", "bind-to", "map-by",
         "rank-by", "npernode", "ppn", "perhost", "genvlist"});
    constexpr auto two =
        std::to_array<std::string_view>({"mca", "gmca", "prtemca", "pmixmca", "genv", "env"});
    const bool has_own = option.find('=') != option.npos;
    option.remove_prefix(std::min(option.find_first_not_of('-'), option.size()));
    if (has_own || std::ranges::find(none, option) != none.end()) return 0;
    if (std::ranges::find(one, option) != one.end()) return 1;
    if (std::ranges::find(two, option) != two.end()) return 2;
    return std::nullopt;
}

/// The program behind mpirun at `at`; empty: it is none of this folder, or nobody knows.
template <typename At>
std::string program_of_mpi(At at, At end) {
    for (++at; at < end && at->starts_with('-'); ++at) {
        const auto values = values_of(*at);
        if (!values || end - at <= *values) return {};
        at += *values;
    }
    return at < end && at->starts_with("./") ? *at : std::string();
}

/// "source env.sh", "source venv/bin/activate": relative alone, as nodes have files of /etc that this
/// machine lacks; "|| true" and "2>" say that it may be missing.
std::string sourced(const ScriptLine& line) {
    const bool may_fail = line.text.find("||") != line.text.npos || line.text.find("2>") != line.text.npos;
    if (line.words.size() < 2 || may_fail) return {};
    const auto& file = line.words[1];
    const bool is_file = file.ends_with(".sh") || file.find('/') != file.npos;
    return is_file && !file.starts_with('/') && !file.starts_with('<') ? file : std::string();
}

/// "./program", "srun ./program" and "bash script.sh" at a line's beginning, after variables of its own;
/// empty: it starts no file of this folder.
std::string file_of(const ScriptLine& line) {
    auto begin = std::find_if_not(line.words.begin(), line.words.end(), [](auto& word) {
        return word.find('=') != word.npos || word == "exec" || word == "time";
    });
    if (begin != line.words.end() && begin->starts_with("./")) return *begin;
    const auto& first = line.words.front();
    if (first == "srun") {
        auto step = step_of(line);
        return step && !step->program.empty() && step->program.front().starts_with("./")
                   ? step->program.front()
                   : std::string();
    }
    if (first == "source" || first == ".") return sourced(line);
    if (begin != line.words.end()) {
        const auto name = last_part(*begin);
        if (name == "mpirun" || name == "mpiexec" || name == "orterun")
            return program_of_mpi(begin, line.words.end());
    }
    bool is_shell = first == "bash" || first == "sh";
    return is_shell && line.words.size() > 1 && line.words[1].ends_with(".sh") ? line.words[1]
                                                                               : std::string();
}

/// What makes no file that a later command could start. All that is not here may, and a test of whether a
/// file is there guards what follows.
constexpr auto harmless = std::to_array<std::string_view>(
    {"export", "module", "ml",         "source",   ".",        "set",    "echo",  "printf", "mkdir",
     "ulimit", "unset",  "date",       "hostname", "scontrol", "squeue", "sinfo", "sleep",  "wait",
     "trap",   "true",   ":",          "eval",     "conda",    "mamba",  "pip",   "pip3",   "ls",
     "pwd",    "cat",    "head",       "tail",     "wc",       "grep",   "which", "type",   "uname",
     "whoami", "env",    "printenv",   "nproc",    "free",     "df",     "lscpu", "shopt",  "declare",
     "cd",     "pushd",  "nvidia-smi", "ibstat",   "id",       "for",    "done",  "fi",     "}"});

/// It makes no file that a later command could start.
bool is_preparation(const ScriptLine& command) {
    const auto& words = command.words;
    auto is_harmless = [](std::string_view word) {
        return std::ranges::find(harmless, word) != harmless.end();
    };
    auto runs_another = [&](const std::string& word) { // in a substitution
        const auto at = word.find("$(");
        if (at == word.npos) return word.find('`') != word.npos;
        const auto rest = std::string_view(word).substr(at + 2);
        return !is_harmless(rest.substr(0, rest.find_first_of(" )")));
    };
    if (std::ranges::any_of(words, runs_another)) return false;
    if (words.front() == "srun") {
        auto step = step_of(command);
        return step && !step->program.empty() && is_harmless(step->program.front());
    }
    return is_harmless(words.front()) || (words.front().find('=') != std::string::npos && words.size() == 1);
}

bool starts_container(const std::string& text) {
    if (text.find("--container") != text.npos) return true;
    for (std::string_view program : {"apptainer", "singularity", "docker", "podman", "enroot", "shifter"})
        if (mentions(text, program)) return true;
    return false;
}

class Paths {
  public:
    Paths(const Script& script, const std::function<bool(const std::string&)>& exists,
          std::vector<Finding>& findings)
        : script_(script), exists_(exists), findings_(findings) {
        if (const auto* chdir = script.option("--chdir"); chdir && is_plain(chdir->value))
            base_ = chdir->value + "/";
        in_container_ = script.option("--container-image") || script.option("--container");
    }

    /// `slurm`: from some version after 22.05 on, slurmd makes the folder as the user, if it can.
    void check_output(int slurm, const std::function<bool(const std::string&)>& can_be_made) {
        for (std::string_view name : {"--output", "--error"}) {
            const auto* option = script_.option(name);
            if (!option || option->value.find('/') == option->value.npos) continue;
            auto folder = option->value.substr(0, option->value.rfind('/'));
            if (!is_plain(folder) || is_there(folder)) continue;
            if (slurm < 2302)
                add("no-output-folder", option->line, folder,
                    fmt::format("is no folder, and with Slurm 22.05 a job whose {} cannot be written fails "
                                "without a word",
                                name),
                    fmt::format("run: mkdir -p {}", folder));
            else if (!can_be_made(at_base(folder)))
                add("no-output-folder", option->line, folder,
                    fmt::format("is no folder, and you may not make it; a job whose {} cannot be written "
                                "fails without a word",
                                name),
                    "name a folder of yours");
        }
    }

    void check_line(const ScriptLine& line) {
        note_made(line, made_);
        for (const auto& command : commands_of(line)) {
            note_moves(command);
            if (auto text = shell_command(command); !text.empty() && prepared_) {
                check_inner(command, text);
                continue;
            }
            is_missing_ = false;
            if (prepared_) check_command(command);
            // What is not there makes nothing.
            prepared_ = prepared_ && (is_missing_ || is_preparation(command));
        }
    }

  private:
    /// "srun bash -c 'cd sub && python3 x.py'", which moves and prepares for itself.
    void check_inner(const ScriptLine& command, const std::string& text) {
        const auto step = step_of(command);
        if (in_container_ || starts_container(command.text) || (step && step->option("--chdir"))) {
            prepared_ = false;
            return;
        }
        const bool moved = moved_;
        for (auto inner : read_script("", text).lines) {
            inner.number = command.number;
            check_line(inner);
        }
        moved_ = moved;
    }
    void check_command(const ScriptLine& line) {
        check_image(line);
        check_sif(line);
        auto program = program_of(line);
        if (program.empty()) program = file_of(line);
        if (!is_plain(program) || is_made(program)) return;
        if (in_container_ || starts_container(line.text)) return;
        auto path = in_step_folder(program, line);
        if (path && !is_there(*path)) add("no-program", line.number, program, "is not there", "");
    }
    void check_image(const ScriptLine& line) {
        for (std::size_t i = 0; i < line.words.size(); ++i) {
            const std::string image(value_at(line.words, i, "--container-image"));
            if (image.starts_with('/') && is_plain(image) && !is_there(image) && !is_made(image))
                add("no-image", line.number, image, "is not there", "");
        }
    }
    /// "apptainer exec x.sif"; pull and build make one, under a name of their own where none is given.
    void check_sif(const ScriptLine& line) {
        auto program = std::find_if(line.words.begin(), line.words.end(), [](auto& word) {
            return last_part(word) == "apptainer" || last_part(word) == "singularity";
        });
        auto end = std::find_if(program, line.words.end(), is_operator);
        auto image = std::find_if(program, end, [](auto& word) { return word.ends_with(".sif"); });
        if (std::any_of(program, end, [](auto& word) { return word == "pull" || word == "build"; }))
            return made_.push_back(image == end ? "*" : without_dot(*image));
        if (image == end || !is_plain(*image) || image->find_first_of(" =:") != image->npos) return;
        auto path = in_step_folder(*image, line);
        if (path && !is_made(*image) && !is_there(*path))
            add("no-image", line.number, *image, "is not there", "");
    }
    /// What a relative path of a line means; absent: only the shell knows.
    std::optional<std::string> in_step_folder(const std::string& path, const ScriptLine& line) const {
        if (path.starts_with('/')) return path;
        if (moved_) return std::nullopt;
        auto step = step_of(line);
        const auto* chdir = step ? step->option("--chdir") : nullptr;
        if (chdir && !is_plain(chdir->value)) return std::nullopt;
        return chdir ? chdir->value + "/" + path : path;
    }
    /// From there on nobody knows what a relative path means, or what else an archive has brought.
    void note_moves(const ScriptLine& line) {
        moved_ = moved_ || std::any_of(line.words.begin(), line.words.end(), [](auto& word) {
                     return word == "cd" || word == "pushd" || word == "tar" || word == "unzip";
                 });
    }
    bool is_made(std::string path) const {
        path = without_dot(path);
        return std::any_of(made_.begin(), made_.end(), [&](auto& made) {
            return made == "*" || path == made || path.starts_with(made + "/");
        });
    }
    std::string at_base(const std::string& path) const { return path.starts_with('/') ? path : base_ + path; }
    bool is_there(const std::string& path) const { return exists_(at_base(path)); }
    void add(const char* id, int line, std::string thing, std::string seen, std::string next) {
        is_missing_ = true;
        auto said = [&](auto& finding) { return finding.id == id && finding.thing == thing; };
        if (std::any_of(findings_.begin(), findings_.end(), said)) return;
        findings_.push_back({.id = id,
                             .where = place(script_, line),
                             .thing = std::move(thing),
                             .seen = std::move(seen),
                             .next = std::move(next)});
    }

    const Script& script_;
    const std::function<bool(const std::string&)>& exists_;
    std::vector<Finding>& findings_;
    std::string base_;              ///< relative to the caller's directory, where sbatch is run
    std::vector<std::string> made_; ///< files and folders that the script makes itself; "*": any
    bool moved_ = false;
    bool prepared_ = true;    ///< all lines before were preparations
    bool is_missing_ = false; ///< something that the last command names is not there
    bool in_container_ = false;
};

} // namespace

void check_paths(const Script& script, const Surroundings& around, std::vector<Finding>& findings) {
    const auto& exists = around.exists;
    Paths paths(script, exists, findings);
    if (const auto* image = script.option("--container-image");
        image && image->value.starts_with('/') && is_plain(image->value) && !exists(image->value))
        findings.push_back({.id = "no-image",
                            .where = place(script, image->line),
                            .thing = image->value,
                            .seen = "is not there"});
    if (around.slurm >= 2205) paths.check_output(around.slurm, around.can_be_made);
    for (const auto& line : script.lines) paths.check_line(line);
}

} // namespace railhead

#include "lint/checks.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace railhead {
namespace {

/// Nothing that a shell or sbatch would still replace.
bool is_plain(std::string_view path) {
    return !path.empty() && path.find_first_of("$`*?%{~") == path.npos;
}

class Paths {
  public:
    Paths(const Script& script, const std::function<bool(const std::string&)>& exists,
          std::vector<Finding>& findings)
        : script_(script), exists_(exists), findings_(findings) {
        if (const auto* chdir = script.option("--chdir"); chdir && is_plain(chdir->value))
            base_ = chdir->value + "/";
    }

    void check_output() {
        for (std::string_view name : {"--output", "--error"}) {
            const auto* option = script_.option(name);
            if (!option || option->value.find('/') == option->value.npos) continue;
            auto folder = option->value.substr(0, option->value.rfind('/'));
            if (is_plain(folder) && !is_there(folder))
                add("no-output-folder", option->line, folder,
                    fmt::format("is no folder, and with Slurm 22.05 a job whose {} cannot be written fails "
                                "without a word",
                                name),
                    fmt::format("run: mkdir -p {}", folder));
        }
    }

    void check_line(const ScriptLine& line) {
        for (const auto& word : line.words) {
            auto image = word.starts_with("--container-image=") ? word.substr(word.find('=') + 1) : "";
            if (image.starts_with('/') && is_plain(image) && !is_there(image))
                add("no-image", line.number, image, "is not there", "");
        }
        if (line.words.front() == "cd") moved_ = true;
        auto python = std::find_if(line.words.begin(), line.words.end(), [](const std::string& word) {
            auto name = word.substr(word.rfind('/') + 1); // npos + 1 is 0
            return name.starts_with("python") || name == "torchrun" || name == "accelerate" ||
                   name == "deepspeed";
        });
        auto program =
            std::find_if(python, line.words.end(), [](auto& word) { return word.ends_with(".py"); });
        if (program == line.words.end() || !is_plain(*program) || (moved_ && !program->starts_with('/')))
            return;
        bool in_container =
            line.text.find("--container") != line.text.npos || mentions(line.text, "apptainer");
        if (!in_container && !is_there(*program))
            add("no-program", line.number, *program, "is not there", "");
    }

  private:
    bool is_there(const std::string& path) const {
        return exists_(path.starts_with('/') ? path : base_ + path);
    }
    void add(const char* id, int line, std::string thing, std::string seen, std::string next) {
        findings_.push_back({.id = id,
                             .where = place(script_, line),
                             .thing = std::move(thing),
                             .seen = std::move(seen),
                             .next = std::move(next)});
    }

    const Script& script_;
    const std::function<bool(const std::string&)>& exists_;
    std::vector<Finding>& findings_;
    std::string base_; ///< relative to the caller's directory, where sbatch is run
    bool moved_ = false;
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
    // Slurm makes the folder itself since some version after this one.
    if (around.slurm >= 2205 && around.slurm < 2302) paths.check_output();
    for (const auto& line : script.lines) paths.check_line(line);
}

} // namespace railhead

#include "launcher/recipes/torch_probe.hpp"

#include "base/child.hpp"

#include <fmt/core.h>

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace railhead {
namespace {

Finding torchrun_missing(const std::string& node, const std::string& program, std::string_view path) {
    const bool named = program.find('/') != std::string::npos;
    return {.id = "torchrun-missing",
            .where = node,
            .thing = program,
            .seen = named ? "is not an executable file there" : "is not on PATH",
            .expected = named ? "" : "one of " + std::string(path),
            .next =
                "install PyTorch there, load its module or activate its environment in the job script, or "
                "give --torchrun PATH"};
}

/// "python3", "python3.12", "/opt/venv/bin/python": as one starts a script without torchrun.
bool is_python(const std::string& script, const std::string& path) {
    const auto name = script.substr(script.rfind('/') + 1);
    return name.starts_with("python") && name.find_first_not_of("0123456789.", 6) == name.npos &&
           (access(path.c_str(), F_OK) != 0 || find_program(path, "").has_value());
}

Finding python_is_no_script(const std::string& node, const std::string& script) {
    return {.id = "torchrun-script",
            .where = node,
            .thing = script,
            .seen = "is Python itself, which torchrun starts",
            .expected = "the script as the first word",
            .next = "leave it out, and its options"};
}

Finding script_missing(const std::string& node, const std::string& path, int error) {
    return {
        .id = "torchrun-script",
        .where = node,
        .thing = path,
        .seen = fmt::format("cannot be read: {}", std::strerror(error)),
        .expected = "the script on every node",
        .next =
            "put it on a file system that all nodes share, or give -m or --no-python if it is a module or a "
            "program"};
}

} // namespace

Probe probe_torch(const std::string& node, const std::string& program, const std::string& script,
                  const std::string& cwd, const Environment& environment, double seconds) {
    Probe probe;
    if (!script.empty()) {
        const auto path = script.starts_with('/') ? script : cwd + "/" + script;
        if (is_python(script, path))
            probe.findings.push_back(python_is_no_script(node, script));
        else if (access(path.c_str(), R_OK) != 0)
            probe.findings.push_back(script_missing(node, path, errno));
    }
    const auto path = environment.get("PATH").value_or("/usr/local/bin:/usr/bin:/bin");
    const auto name = program.empty() ? std::string("torchrun") : program;
    const auto found = find_program(name, path);
    if (!found) {
        probe.findings.push_back(torchrun_missing(node, name, path));
        return probe;
    }
    const auto python = python_for(*found, path);
    probe.versions["torchrun.program"] = *found;
    probe.versions["torchrun.python"] = python;
    const auto versions = versions_by(python, "torch", environment, seconds);
    if (!versions) {
        probe.findings.push_back({.id = "torchrun-broken",
                                  .where = node,
                                  .thing = python,
                                  .seen = "cannot import torch: " + versions.error(),
                                  .expected = "the Python that " + *found + " runs with",
                                  .next = "run `" + *found + " --help` on that node"});
        return probe;
    }
    probe.versions["torch"] = versions->package;
    probe.versions["python"] = versions->python;
    return probe;
}

} // namespace railhead

#include "launcher/recipes/ray_probe.hpp"

#include "base/child.hpp"

#include <fmt/core.h>

#include <fcntl.h>

namespace railhead {

namespace {

Finding missing(const std::string& node, const std::string& program, std::string_view path) {
    const bool named = program.find('/') != std::string::npos;
    return {.id = "ray-missing",
            .where = node,
            .thing = program,
            .seen = named ? "is not an executable file there" : "is not on PATH",
            .expected = named ? "" : "one of " + std::string(path),
            .next = "install Ray there, load its module or activate its environment in the job script, or "
                    "give --ray PATH"};
}

Finding broken(const std::string& node, const std::string& program, const std::string& python,
               const std::string& reason) {
    return {.id = "ray-broken",
            .where = node,
            .thing = python,
            .seen = "cannot import ray: " + reason,
            .expected = "the Python that " + program + " runs with",
            .next = "run `" + program + " --version` on that node"};
}

// What `ray --version` says ends so: "ray, version 2.52.0". Empty when it says that version, else what was
// seen.
std::string other_than(const std::string& version, const std::string& program, const Environment& environment,
                       double seconds) {
    const UniqueFd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
    ChildSpec spec{.argv = {program, "--version"}, .env = environment.all()};
    spec.stderr_fd = null.get();
    const auto answer = capture(std::move(spec), seconds);
    if (!answer) return sentence(answer.error());
    const auto wanted = fmt::format("that it is version {} of Ray", version);
    if (!answer->status) return fmt::format("does not say within {:.0f} s {}", seconds, wanted);
    if (answer->out.find(" " + version + "\n") != std::string::npos)
        return {}; // wrappers say other things before
    const auto said = answer->out.substr(0, answer->out.find('\n'));
    if (said.empty()) return fmt::format("says nothing to --version, not {}", wanted);
    return fmt::format("says \"{:.80}\" to --version, not {}", said, wanted);
}

} // namespace

Probe probe_ray(const std::string& node, const std::string& program, const Environment& environment,
                double seconds) {
    Probe probe;
    const auto name = program.empty() ? std::string("ray") : program;
    const auto path = environment.get("PATH").value_or("/usr/local/bin:/usr/bin:/bin");
    const auto found = find_program(name, path);
    if (!found) {
        probe.findings.push_back(missing(node, name, path));
        return probe;
    }
    const auto python = python_for(*found, path);
    probe.versions["ray.program"] = *found;
    probe.versions["ray.python"] = python;
    const auto versions = versions_by(python, "ray", environment, seconds);
    if (!versions) {
        probe.findings.push_back(broken(node, *found, python, versions.error()));
        return probe;
    }
    const auto& version = versions->package;
    // A wrapper may lead to another Ray than the one that its neighbour imports.
    const auto other =
        is_python_script(*found) ? std::string() : other_than(version, *found, environment, seconds);
    if (!other.empty()) {
        probe.findings.push_back({.id = "ray-wrapper",
                                  .where = node,
                                  .thing = *found,
                                  .seen = other,
                                  .expected = "what " + python + " imports",
                                  .next = "give --ray the ray program beside the Python that has Ray"});
        return probe;
    }
    probe.versions["ray"] = version;
    probe.versions["python"] = versions->python;
    return probe;
}

} // namespace railhead

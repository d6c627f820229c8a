#include "launcher/recipes/ray_probe.hpp"

#include "base/child.hpp"

#include <fmt/core.h>

#include <fcntl.h>

#include <array>
#include <filesystem>
#include <fstream>

namespace railhead {

namespace {

// Prints two lines: Ray's version, Python's. Metadata is read first: importing Ray costs a second. A
// platform.py of the user's in the working directory is not what a script elsewhere would import.
constexpr auto question = R"(import sys
sys.path[:] = [folder for folder in sys.path if folder]
import platform
try:
    from importlib.metadata import version
    ray = version("ray")
except Exception:
    try:
        from ray import __version__ as ray
    except Exception as problem:
        print("", str(problem).replace(chr(10), " ")[:200], sep=chr(10))
        sys.exit(0)
print(ray, platform.python_version(), sep=chr(10))
)";

std::string head_of(const std::string& path) {
    std::array<char, 1024> bytes{};
    std::ifstream file(path, std::ios::binary);
    file.read(bytes.data(), bytes.size());
    return {bytes.data(), static_cast<std::size_t>(file.gcount())};
}

std::string first_word(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    const auto end = text.find_first_of(" \t\r\n", begin);
    return std::string(text.substr(begin, end == std::string_view::npos ? end : end - begin));
}

std::string line_of(const std::string& text, int number) {
    std::size_t begin = 0;
    for (; number > 0 && begin != std::string::npos; --number) {
        begin = text.find('\n', begin);
        begin = begin == std::string::npos ? begin : begin + 1;
    }
    if (begin == std::string::npos || begin >= text.size()) return {};
    return text.substr(begin, text.find('\n', begin) - begin);
}

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

bool is_python(const std::string& interpreter) {
    return std::filesystem::path(interpreter).filename().string().starts_with("py"); // python3.11, pypy3
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
    const auto said = line_of(answer->out, 0);
    if (said.empty()) return fmt::format("says nothing to --version, not {}", wanted);
    return fmt::format("says \"{:.80}\" to --version, not {}", said, wanted);
}

std::string python_for(const std::string& program, std::string_view path) {
    auto python = interpreter_of(head_of(program));
    if (!is_python(python)) { // a wrapper: the interpreter beside it, as in every virtual environment
        python = (std::filesystem::path(program).parent_path() / "python3").string();
        if (!find_program(python, path)) python = "python3";
    }
    const auto found = find_program(python, path);
    return found ? *found : python;
}

} // namespace

std::string interpreter_of(std::string_view first_bytes) {
    if (!first_bytes.starts_with("#!")) return {};
    auto interpreter = first_word(first_bytes.substr(2));
    if (interpreter.ends_with("/env")) {
        auto rest = first_bytes.substr(first_bytes.find("/env") + 4);
        rest = rest.substr(0, rest.find('\n'));
        auto program = first_word(rest);
        if (program == "-S") program = first_word(rest.substr(rest.find("-S") + 2));
        return program;
    }
    if (!interpreter.ends_with("/sh")) return interpreter;
    constexpr std::string_view exec = "'''exec' ";
    const auto at = first_bytes.find(exec);
    if (at == std::string_view::npos) return {};
    const auto rest = first_bytes.substr(at + exec.size());
    if (rest.starts_with('"')) return std::string(rest.substr(1, rest.find('"', 1) - 1));
    return first_word(rest);
}

RayProbe probe_ray(const std::string& node, const std::string& program, const Environment& environment,
                   double seconds) {
    RayProbe probe;
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
    const UniqueFd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
    ChildSpec spec{.argv = {python, "-c", question}, .env = environment.all()};
    spec.stderr_fd = null.get();
    const auto answer = capture(std::move(spec), seconds);
    if (!answer || !answer->status) {
        probe.findings.push_back(
            broken(node, *found, python,
                   answer ? fmt::format("no answer within {:.0f} s", seconds) : sentence(answer.error())));
        return probe;
    }
    const auto version = line_of(answer->out, 0);
    const auto second = line_of(answer->out, 1);
    if (version.empty()) {
        probe.findings.push_back(broken(node, *found, python, second.empty() ? "it failed" : second));
        return probe;
    }
    // A wrapper may lead to another Ray than the one that its neighbour imports.
    const auto other = is_python(interpreter_of(head_of(*found)))
                           ? std::string()
                           : other_than(version, *found, environment, seconds);
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
    probe.versions["python"] = second;
    return probe;
}

} // namespace railhead

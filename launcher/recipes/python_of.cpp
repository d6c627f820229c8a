#include "launcher/recipes/python_of.hpp"

#include "base/child.hpp"

#include <fmt/core.h>

#include <fcntl.h>

#include <array>
#include <filesystem>
#include <fstream>

namespace railhead {

namespace {

// Prints two lines: the package's version, Python's. Metadata is read first: importing it costs a second. A
// platform.py of the user's in the working directory is not what a script elsewhere would import.
constexpr auto question = R"(import sys
sys.path[:] = [folder for folder in sys.path if folder]
import platform
try:
    from importlib.metadata import version
    found = version(sys.argv[1])
except Exception:
    try:
        found = __import__(sys.argv[1]).__version__
    except Exception as problem:
        print("", str(problem).replace(chr(10), " ")[:200], sep=chr(10))
        sys.exit(0)
print(found, platform.python_version(), sep=chr(10))
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

bool is_python(const std::string& interpreter) {
    return std::filesystem::path(interpreter).filename().string().starts_with("py"); // python3.11, pypy3
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

bool is_python_script(const std::string& program) {
    return is_python(interpreter_of(head_of(program)));
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

tl::expected<PackageVersions, std::string> versions_by(const std::string& python, const std::string& package,
                                                       const Environment& environment, double seconds) {
    const UniqueFd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
    ChildSpec spec{.argv = {python, "-c", question, package}, .env = environment.all()};
    spec.stderr_fd = null.get();
    const auto answer = capture(std::move(spec), seconds);
    if (!answer) return tl::unexpected(sentence(answer.error()));
    if (!answer->status) return tl::unexpected(fmt::format("no answer within {:.0f} s", seconds));
    PackageVersions found{.package = line_of(answer->out, 0), .python = line_of(answer->out, 1)};
    if (found.package.empty()) return tl::unexpected(found.python.empty() ? "it failed" : found.python);
    return found;
}

} // namespace railhead

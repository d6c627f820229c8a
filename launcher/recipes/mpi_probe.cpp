#include "launcher/recipes/mpi_probe.hpp"

#include "base/child.hpp"

namespace railhead {
namespace {

/// What a command says on both streams.
std::string answer_of(std::vector<std::string> words, const Environment& environment, double seconds) {
    words.insert(words.begin(), {"sh", "-c", "exec \"$@\" 2>&1", "sh"});
    auto answer = capture({.argv = std::move(words), .env = environment.all()}, seconds);
    return answer ? answer->out : std::string();
}

} // namespace

// "MPI plugin types are...\n\tnone\n\tpmix\n\tpmi2\n"
bool lists_pmix(std::string_view answer) {
    for (auto at = answer.find("pmix"); at != answer.npos; at = answer.find("pmix", at + 1)) {
        auto line = answer.substr(answer.rfind('\n', at) + 1); // none before it: the whole text
        if (line.find_first_not_of(" \t") == line.find("pmix")) return true;
    }
    return false;
}

std::string open_mpi_version(std::string_view answer) {
    constexpr std::string_view name = "(Open MPI) ";
    auto at = answer.find(name);
    if (at == answer.npos) return {};
    answer.remove_prefix(at + name.size());
    return std::string(answer.substr(0, answer.find_first_of(" \n")));
}

Probe probe_mpi(const std::string& program, const Environment& environment, double seconds) {
    Probe probe;
    if (lists_pmix(answer_of({"srun", "--mpi=list"}, environment, seconds)))
        probe.versions["mpi.pmix"] = "yes";
    const auto found = find_program(program.empty() ? "mpirun" : program,
                                    environment.get("PATH").value_or("/usr/local/bin:/usr/bin:/bin"));
    if (!found) return probe;
    probe.versions["mpi.program"] = *found;
    if (auto version = open_mpi_version(answer_of({*found, "--version"}, environment, seconds));
        !version.empty())
        probe.versions["mpi.version"] = version;
    return probe;
}

} // namespace railhead

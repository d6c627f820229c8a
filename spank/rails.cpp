#include "spank/rails.hpp"

#include "base/number.hpp"
#include "slurm/fields.hpp"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <set>

namespace railhead::spank {
namespace {

using nlohmann::json;

constexpr std::size_t most_findings = 100, longest_word = 1000, most_bytes = std::size_t{1} << 20;

ChildSpec spec_of(std::vector<std::string> argv, const Identity& owner, const std::string& home) {
    ChildSpec spec{.argv = std::move(argv),
                   .env = {{"PATH", "/usr/bin:/bin"}, {"LC_ALL", "C"}, {"HOME", home}},
                   .cwd = "/"};
    spec.identity = owner;
    return spec;
}

/// What it prints. It may end with any code, as checks do.
Result<std::string> answer_of(ChildSpec spec, double seconds) {
    const auto name = fmt::format("railhead {}", spec.argv[1]);
    UniqueFd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    spec.stderr_fd = nowhere.get();
    auto captured = capture(std::move(spec), seconds, most_bytes);
    if (!captured) return tl::unexpected(std::move(captured.error()));
    if (captured->status) return std::move(captured->out);
    return fail(ErrorKind::internal,
                {.id = "node-silent",
                 .level = Level::unknown,
                 .thing = name,
                 .seen = fmt::format("did not answer within {} s and was killed", seconds),
                 .next = "run it there by hand, and look at file systems that hang"});
}

Level level_from(const std::string& name) {
    for (auto level : {Level::ok, Level::info, Level::warn, Level::fail})
        if (name == name_of(level)) return level;
    return Level::unknown;
}

/// Bounded, and without what moves the cursor of a terminal.
std::string word_in(const json& object, const char* name) {
    auto found = object.find(name);
    if (found == object.end() || !found->is_string()) return {};
    auto text = found->get<std::string>().substr(0, longest_word);
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 127; }, ' ');
    return text;
}

} // namespace

Result<ToldRails> ask_rails(const std::string& program, const Identity& owner, const std::string& home,
                            double seconds) {
    auto text = answer_of(spec_of({program, "env", "--json"}, owner, home), seconds);
    if (!text) return tl::unexpected(std::move(text.error()));
    return rails_from(*text);
}

Result<std::vector<Finding>> ask_node(const std::string& program, const Identity& owner,
                                      const std::map<int, std::uint64_t>& limits, double seconds) {
    auto spec = spec_of({program, "check", "node", "--json"}, owner, "/");
    spec.soft_limits = limits;
    auto text = answer_of(std::move(spec), seconds);
    if (!text) return tl::unexpected(std::move(text.error()));
    const auto document = json::parse(*text, nullptr, false);
    const auto* list =
        document.is_object() && document.contains("findings") ? &document["findings"] : nullptr;
    if (!list || !list->is_array())
        return fail(ErrorKind::internal,
                    {.id = "node-silent",
                     .level = Level::unknown,
                     .thing = "railhead check",
                     .seen = "answers with something else than its JSON",
                     .next = "have the same version of railhead and of its plugin there"});
    std::vector<Finding> findings;
    for (const auto& each : *list) {
        if (!each.is_object() || findings.size() == most_findings) continue;
        findings.push_back({.id = word_in(each, "id"),
                            .level = level_from(word_in(each, "level")),
                            .where = word_in(each, "where"),
                            .thing = word_in(each, "thing"),
                            .seen = word_in(each, "seen"),
                            .expected = word_in(each, "expected"),
                            .next = word_in(each, "next")});
    }
    return findings;
}

std::vector<int> gpus_of_task(const TaskGpus& task) {
    const auto numbers = numbers_in(task.of_step);
    const auto seen = names_in(task.step_sees);
    std::vector<int> gpus;
    for (const auto& each : names_in(task.task_sees)) {
        const auto place = whole_number<std::size_t>(each);
        if (place && *place < task.devices.size()) {
            gpus.push_back(task.devices[*place]);
            continue;
        }
        auto at = std::find(seen.begin(), seen.end(), each); // of MIG, or by UUID
        if (at != seen.end() && numbers.size() == seen.size())
            gpus.push_back(numbers[static_cast<std::size_t>(at - seen.begin())]);
    }
    return gpus;
}

std::vector<int> share_of(const std::vector<int>& gpus, std::size_t task, std::size_t tasks) {
    if (tasks == 0 || task >= tasks || gpus.size() % tasks != 0) return gpus;
    const auto each = static_cast<std::ptrdiff_t>(gpus.size() / tasks);
    const auto begin = gpus.begin() + static_cast<std::ptrdiff_t>(task) * each;
    return {begin, begin + each};
}

std::vector<int> devices_allowed(const std::string& root, const Rails& rails) {
    std::vector<int> allowed;
    for (const auto& gpu : rails.gpus)
        if (::access(fmt::format("{}/dev/nvidia{}", root, gpu.number).c_str(), R_OK) == 0)
            allowed.push_back(static_cast<int>(gpu.number));
    return allowed;
}

std::vector<int> cpus_near(const Rails& rails, const std::vector<int>& gpus, const std::vector<int>& allowed,
                           std::size_t wanted) {
    std::set<int> near;
    for (int gpu : gpus) {
        auto rail = std::find_if(rails.gpus.begin(), rails.gpus.end(),
                                 [&](const GpuRail& each) { return static_cast<int>(each.number) == gpu; });
        if (rail == rails.gpus.end() || rail->cpus.empty()) return {};
        for (int cpu : numbers_in(rail->cpus)) near.insert(cpu);
    }
    std::vector<int> both;
    std::copy_if(allowed.begin(), allowed.end(), std::back_inserter(both),
                 [&](int cpu) { return near.count(cpu) > 0; });
    return both.size() < std::max<std::size_t>(wanted, 1) ? std::vector<int>() : both;
}

} // namespace railhead::spank

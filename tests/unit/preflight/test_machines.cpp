// Machines as they are, in tests/machines: a folder with what sys and proc show there (tree.txt) and what is
// made of it (expected.txt). A new one is such a folder, and no code.
#include "preflight/node_checks.hpp"
#include "preflight/rails.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace railhead;

namespace {

namespace fs = std::filesystem;

const fs::path machines = RAILHEAD_SOURCE_DIR "/tests/machines";

std::string whole(const fs::path& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

/// "\t" and "\n" of a value as they are in the file.
std::string unescaped(std::string_view value) {
    std::string text;
    for (std::size_t i = 0; i < value.size(); ++i) {
        bool escaped = value[i] == '\\' && i + 1 < value.size();
        text += !escaped ? value[i] : value[++i] == 't' ? '\t' : '\n';
    }
    return text;
}

/// Lines "PATH = FIRST LINE" and "PATH -> PATH", both below `root`.
void build(const fs::path& tree, const fs::path& root) {
    std::ifstream lines(tree);
    for (std::string line; std::getline(lines, line);) {
        if (line.empty() || line[0] == '#') continue;
        const auto value = line.find(" = "), link = line.find(" -> ");
        const auto path = root / line.substr(0, std::min(value, link));
        fs::create_directories(path.parent_path());
        if (link < value) {
            fs::create_directories(root / line.substr(link + 4));
            fs::create_directory_symlink(root / line.substr(link + 4), path);
        } else {
            std::ofstream(path) << unescaped(line.substr(value + 3)) << '\n';
        }
    }
}

std::string told_of(const std::string& root) {
    const auto facts = rail_facts(root);
    const auto rails = rails_of(facts, {});
    std::string text = looked_at(facts) + "\n";
    for (const auto& each : variables_of_node(rails))
        text += fmt::format("{}={} # {}\n", each.name, each.value, each.why);
    for (const auto& each : rails.left_out) text += fmt::format("left out: {} {}\n", each.name, each.why);
    for (const auto& gpu : rails.gpus)
        text +=
            fmt::format("GPU {} {}: {}{}{}, CPUs {}\n", gpu.number, gpu.address,
                        gpu.port.empty() ? "none" : gpu.port, gpu.why.empty() ? "" : ", ", gpu.why, gpu.cpus);
    for (const auto& finding : node_verdicts(facts))
        text += fmt::format("{}: {} [{}]\n", name_of(finding.level), sentence(finding), finding.id);
    return text;
}

std::vector<std::string> names_of_machines() {
    std::vector<std::string> names;
    for (const auto& each : fs::directory_iterator(machines))
        if (fs::exists(each.path() / "tree.txt")) names.push_back(each.path().filename());
    std::sort(names.begin(), names.end());
    return names;
}

class Recorded : public testing::TestWithParam<std::string> {};

} // namespace

TEST_P(Recorded, is_told_as_expected) {
    const auto folder = machines / GetParam();
    const fs::path root = testing::TempDir() + "railhead-recorded-" + GetParam();
    fs::remove_all(root);
    build(folder / "tree.txt", root);
    const auto told = told_of(root.string());
    fs::remove_all(root);
    if (std::getenv("RAILHEAD_WRITE_GENERATED")) std::ofstream(folder / "expected.txt") << told;
    EXPECT_EQ(told, whole(folder / "expected.txt"))
        << folder << "/expected.txt: once it is right, run this test with RAILHEAD_WRITE_GENERATED=1";
}

INSTANTIATE_TEST_SUITE_P(Machines, Recorded, testing::ValuesIn(names_of_machines()), [](const auto& of) {
    auto name = of.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

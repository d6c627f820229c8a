#include "preflight/sysfs.hpp"

#include "base/fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

namespace railhead::sysfs {
namespace {

bool comes_before(const std::string& a, const std::string& b) {
    auto stem = [](const std::string& name) {
        return name.substr(0, name.find_last_not_of("0123456789") + 1);
    };
    auto first = stem(a), second = stem(b);
    if (first != second) return first < second;
    return a.size() != b.size() ? a.size() < b.size() : a < b;
}

} // namespace

std::string line_in(const std::string& path) {
    constexpr std::size_t most = 255;
    UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) return {};
    std::string text(most, '\0');
    auto size = ::read(file.get(), text.data(), text.size());
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    text.resize(std::min(text.find('\n'), text.size()));
    return text;
}

std::optional<long> number_in(const std::string& path) {
    auto text = line_in(path);
    char* end = nullptr;
    errno = 0;
    auto number = std::strtol(text.c_str(), &end, 0);
    if (text.empty() || errno != 0 || *end != '\0') return std::nullopt;
    return number;
}

std::vector<std::string> names_in(const std::string& folder, std::size_t most) {
    namespace fs = std::filesystem;
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator each(folder, error), end; !error && each != end && names.size() < most;
         each.increment(error))
        names.push_back(each->path().filename());
    std::sort(names.begin(), names.end(), comes_before);
    return names;
}

} // namespace railhead::sysfs

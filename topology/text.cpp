#include "topology/text.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <new>

namespace railhead::topology {
namespace {

constexpr std::size_t large_page = std::size_t{2} << 20;

} // namespace

void Text::Free::operator()(char* bytes) const {
    std::free(bytes);
}

Text Text::with_room(std::size_t size) {
    Text text;
    bool is_large = size >= large_page;
    text.room_ = is_large ? (size + large_page - 1) / large_page * large_page : size + 1;
    text.bytes_.reset(
        static_cast<char*>(is_large ? std::aligned_alloc(large_page, text.room_) : std::malloc(text.room_)));
    if (!text.bytes_) throw std::bad_alloc();
    if (is_large) madvise(text.data(), text.room_, MADV_HUGEPAGE); // only faster
    return text;
}

Text::Text(std::string_view text) : Text(with_room(text.size())) {
    std::memcpy(data(), text.data(), text.size());
    end_at(text.size());
}

void Text::grow() {
    auto larger = with_room(room_ * 2);
    std::memcpy(larger.data(), data(), room_);
    larger.end_at(size_);
    *this = std::move(larger);
}

} // namespace railhead::topology

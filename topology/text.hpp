#pragma once
#include <cstddef>
#include <memory>
#include <string_view>

namespace railhead::topology {

/// The text of a source, which may have hundreds of megabytes. It does not move when it is moved, so views
/// into it stay.
class Text {
  public:
    Text() = default;
    explicit Text(std::string_view text); ///< a copy

    /// Room for `size` bytes with anything in them, in large pages where the kernel has some.
    static Text with_room(std::size_t size);
    char* data() { return bytes_.get(); }
    std::size_t room() const { return room_; }
    /// From now on it has so many bytes.
    void end_at(std::size_t size) { size_ = size; }
    /// Twice the room, with the same first bytes. Views into it break.
    void grow();

    std::string_view view() const { return {bytes_.get(), size_}; }

  private:
    struct Free {
        void operator()(char* bytes) const;
    };
    std::unique_ptr<char, Free> bytes_;
    std::size_t room_ = 0, size_ = 0;
};

} // namespace railhead::topology

#include "base/fd.hpp"

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <fcntl.h>
#include <string>
#include <thread>
#include <unistd.h>

namespace railhead {
namespace {

struct Pipe {
    UniqueFd read_end;
    UniqueFd write_end;
};

Pipe make_pipe(int flags) {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC | flags), 0);
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

TEST(WriteAll, waits_for_a_slow_reader_of_a_pipe_that_does_not_block) {
    auto pipe = make_pipe(O_NONBLOCK);
    const std::string text(1 << 20, 'x'); // many times what a pipe holds
    std::string received;
    std::thread reader([&] {
        std::array<char, 4096> buffer{};
        while (received.size() < text.size()) {
            auto count = read(pipe.read_end.get(), buffer.data(), buffer.size());
            if (count > 0)
                received.append(buffer.data(), static_cast<std::size_t>(count));
            else
                std::this_thread::yield();
        }
    });
    write_all(pipe.write_end.get(), text);
    reader.join();
    EXPECT_EQ(received, text);
}

TEST(WriteAll, gives_up_when_the_reader_is_gone) {
    signal(SIGPIPE, SIG_IGN);
    auto pipe = make_pipe(0);
    pipe.read_end.reset();
    write_all(pipe.write_end.get(), "nobody reads this");
    signal(SIGPIPE, SIG_DFL);
}

} // namespace
} // namespace railhead

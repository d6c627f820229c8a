#include "base/output_queue.hpp"

#include "base/clock.hpp"
#include "base/fd.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <unistd.h>

namespace railhead {
namespace {

struct Ends {
    UniqueFd read, write;
};

Ends pipe_ends() {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), 0), 0);
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

TEST(OutputQueue, never_waits_for_a_reader_that_stands_still_and_loses_nothing) {
    auto pipe = pipe_ends();
    std::string expected, received;
    {
        std::optional<OutputQueue> queue(std::in_place, pipe.write.get());
        auto begun = monotonic_s();
        for (int i = 0; i < 100'000; ++i) {
            auto line = "line " + std::to_string(i) + "\n";
            queue->write(line);
            expected += line;
        }
        EXPECT_LT(monotonic_s() - begun, 10);
        EXPECT_FALSE(queue->empty_within(0.1));
        EXPECT_GT(queue->waiting(), expected.size() / 2) << "a pipe holds but a part";
        std::thread reader([&] {
            std::array<char, 65536> buffer{};
            while (received.size() < expected.size()) {
                auto count = read(pipe.read.get(), buffer.data(), buffer.size());
                if (count <= 0) break;
                received.append(buffer.data(), static_cast<std::size_t>(count));
            }
        });
        EXPECT_TRUE(queue->empty_within(20));
        queue.reset();
        pipe.write.reset();
        reader.join();
    }
    EXPECT_EQ(received, expected);
}

TEST(OutputQueue, ends_when_its_reader_is_gone) {
    auto pipe = pipe_ends();
    pipe.read.reset();
    OutputQueue queue(pipe.write.get());
    queue.write("nobody reads this");
    EXPECT_TRUE(queue.empty_within(10));
}

} // namespace
} // namespace railhead

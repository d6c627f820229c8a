#pragma once
#include "base/error.hpp"
#include "launcher/plan.hpp"

#include <gtest/gtest.h>

#include <string>

namespace railhead {

/// For a test's job, whose result() is what a recipe makes of it.
template <class Job>
struct Planned {
    Plan plan() const {
        auto made = job().result();
        EXPECT_TRUE(made) << sentence(made.error());
        return made.value_or(Plan{});
    }
    Process process(const std::string& id) const {
        for (auto& process : plan().processes)
            if (process.id == id) return process;
        ADD_FAILURE() << "no process " << id;
        return {};
    }
    std::string refusal() const {
        const auto made = job().result();
        EXPECT_FALSE(made);
        return made ? "" : sentence(made.error());
    }

  private:
    const Job& job() const { return static_cast<const Job&>(*this); }
};

} // namespace railhead

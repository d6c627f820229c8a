#pragma once
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace railhead {

/// A folder of the test's own.
class FolderRig : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "railhead-XXXXXX";
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        dir = name;
    }
    void TearDown() override { std::filesystem::remove_all(dir); }
    /// An executable file in it.
    void program(const std::string& name, const std::string& text) const {
        std::ofstream(dir + "/" + name) << text;
        std::filesystem::permissions(dir + "/" + name, std::filesystem::perms::owner_all);
    }
    std::string dir;
};

} // namespace railhead

#pragma once
// A machine's /sys as folders below a temporary root.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

class Machine : public testing::Test {
  protected:
    std::filesystem::path root = testing::TempDir() + "railhead-machine";
    void SetUp() override { std::filesystem::remove_all(root); }
    void TearDown() override { std::filesystem::remove_all(root); }

    void put(const std::string& path, const std::string& text) {
        std::filesystem::create_directories((root / path).parent_path());
        std::ofstream(root / path) << text << '\n';
    }

    /// A function at "pci0000:16/0000:16:01.0/0000:17:00.0".
    std::string function(const std::string& way, const std::string& vendor, const std::string& kind,
                         int numa = 0) {
        const auto folder = "sys/devices/" + way;
        put(folder + "/vendor", vendor);
        put(folder + "/class", kind);
        put(folder + "/numa_node", std::to_string(numa));
        put(folder + "/config", "\x10\xde\x20\x20");
        std::filesystem::create_directories(root / "sys/bus/pci/devices");
        const auto name = std::filesystem::path(way).filename();
        std::filesystem::create_directory_symlink(root / folder, root / "sys/bus/pci/devices" / name);
        return folder;
    }
    std::string gpu(const std::string& way, int numa = 0) {
        return function(way, "0x10de", "0x030200", numa);
    }
    std::string adapter(const std::string& name, const std::string& way, int numa = 0) {
        auto folder = function(way, "0x15b3", "0x020700", numa);
        const auto port = folder + "/infiniband/" + name + "/ports/1";
        put(port + "/state", "4: ACTIVE");
        put(port + "/link_layer", "InfiniBand");
        put(port + "/rate", "400 Gb/sec (4X NDR)");
        std::filesystem::create_directories(root / "sys/class/infiniband");
        std::filesystem::create_directory_symlink(root / folder / "infiniband" / name,
                                                  root / "sys/class/infiniband" / name);
        std::filesystem::create_directory_symlink(root / folder,
                                                  root / folder / "infiniband" / name / "device");
        return folder;
    }
};

#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace railhead::nccl {

/// "mlx5_1:1,mlx5_2", "=mlx5_1", "^docker,lo", "^=mlx5_3:1:0:0": how NCCL_IB_HCA and NCCL_SOCKET_IFNAME name
/// devices (NCCL's user guide, "Environment variables"; parseStringList() in src/misc/utils.cc).
struct Filter {
    struct Name {
        std::string name;                  ///< a beginning of names, or all of one if `is_exact`
        std::optional<std::uint32_t> port; ///< absent: any
    };
    bool excludes = false, is_exact = false;
    std::vector<Name> names; ///< none: everything passes

    bool names_it(const Name& name, std::string_view device, std::optional<std::uint32_t> port) const;
    bool passes(std::string_view device, std::optional<std::uint32_t> port = {}) const;
};

Filter filter_from(std::string_view text);

} // namespace railhead::nccl

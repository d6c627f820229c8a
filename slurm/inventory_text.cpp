#include "slurm/inventory_text.hpp"

#include "base/number.hpp"
#include "slurm/constraint.hpp"
#include "slurm/fields.hpp"
#include "slurm/hostlist.hpp"
#include "slurm/time_text.hpp"

namespace railhead {
namespace {

std::uint64_t number_of(std::string_view text) {
    return leading_number<std::uint64_t>(text).value_or(0);
}

/// The value of a line "Key     = value" of `show config`; empty when it is another line.
std::string_view setting_of(std::string_view line, std::string_view key) {
    if (!line.starts_with(key) || line.size() == key.size()) return {};
    auto rest = line.substr(key.size());
    auto equals = rest.find_first_not_of(' ');
    if (equals == rest.npos || rest[equals] != '=') return {};
    rest.remove_prefix(equals + 1);
    auto begin = rest.find_first_not_of(' ');
    return begin == rest.npos ? std::string_view() : rest.substr(begin);
}

bool restricts(std::string_view list) {
    return !list.empty() && list != "ALL" && list != "(null)";
}

std::string_view known(std::string_view value) {
    return value == "(null)" ? std::string_view() : value;
}

std::optional<std::uint32_t> limit_of(std::string_view value) {
    return value == "UNLIMITED" || value.empty()
               ? std::nullopt
               : std::optional(static_cast<std::uint32_t>(number_of(value)));
}

std::optional<std::uint32_t> time_of(std::string_view value) {
    auto minutes = minutes_from(value);
    return minutes == UINT32_MAX ? std::nullopt : minutes;
}

constexpr std::string_view qos_header = "Name|Flags";

class TextReader {
  public:
    Result<Inventory> read(std::string_view text) {
        // Nodes first: partitions and reservations name them.
        for (auto pass : {&TextReader::node, &TextReader::other})
            for (auto rest = text; !rest.empty();) {
                auto line = rest.substr(0, rest.find('\n'));
                rest.remove_prefix(std::min(line.size() + 1, rest.size()));
                if (auto done = (this->*pass)(line); !done) return tl::unexpected(done.error());
            }
        builder_.add_topology(text);
        auto inventory = builder_.take();
        inventory.can_grow = inventory.nodes.size() < most_nodes_;
        inventory.qos_lifts_nodes = accounting_ && (!knows_qos_ || lifts_nodes_);
        inventory.qos_lifts_time = accounting_ && (!knows_qos_ || lifts_time_);
        if (!inventory.nodes.empty() && !inventory.partitions.empty()) return inventory;
        return fail(ErrorKind::usage, {.id = "inventory",
                                       .thing = "the inventory",
                                       .seen = "has no node or no partition",
                                       .next = "make it by: railhead inventory save FILE"});
    }

  private:
    Result<void> node(std::string_view line) {
        if (!line.starts_with("NodeName=")) return {};
        auto gres = parse_node_gres(known(field_of(line, "Gres")));
        if (!gres)
            return tl::unexpected(std::move(gres.error()).within(std::string(field_of(line, "NodeName"))));
        builder_.add_node(std::string(field_of(line, "NodeName")),
                          {.gres = std::move(*gres),
                           .cpus = static_cast<std::uint32_t>(number_of(field_of(line, "CPUTot"))),
                           .memory_mib = number_of(field_of(line, "RealMemory")),
                           .features = node_features(known(field_of(line, "AvailableFeatures")))});
        builder_.inventory().nodes.back().weight = leading_number<std::uint32_t>(field_of(line, "Weight"));
        return {};
    }

    Result<void> other(std::string_view line) {
        if (in_qos_) qos(line);
        if (line == qos_header) in_qos_ = true;
        if (line.starts_with("PartitionName=")) return partition(line);
        if (line.starts_with("ReservationName=")) return reservation(line);
        auto& inventory = builder_.inventory();
        if (auto value = setting_of(line, "MaxNodeCount"); !value.empty()) most_nodes_ = number_of(value);
        if (auto value = setting_of(line, "SchedulerParameters"); !value.empty())
            inventory.max_switch_wait = max_switch_wait_from(value);
        if (auto value = setting_of(line, "AccountingStorageType"); !value.empty())
            accounting_ = !known(value).empty() && value != "accounting_storage/none";
        if (auto value = setting_of(line, "SlurmUser"); value.find('(') != value.npos)
            inventory.slurm_user = static_cast<std::uint32_t>(number_of(value.substr(value.find('(') + 1)));
        return {};
    }

    Result<void> partition(std::string_view line) {
        auto yes = [&](std::string_view key) { return field_of(line, key) == "YES"; };
        Partition partition{.name = std::string(field_of(line, "PartitionName"))};
        partition.is_default = yes("Default");
        partition.open = field_of(line, "State") == "UP" && !yes("Hidden") && !yes("RootOnly") &&
                         !yes("ReqResv") && !restricts(field_of(line, "AllowGroups")) &&
                         !restricts(field_of(line, "AllowAccounts")) &&
                         !restricts(field_of(line, "AllowQos"));
        partition.max_nodes = limit_of(field_of(line, "MaxNodes"));
        partition.max_minutes = time_of(field_of(line, "MaxTime"));
        partition.default_minutes = time_of(field_of(line, "DefaultTime"));
        partition.whole_nodes = field_of(line, "OverSubscribe") == "EXCLUSIVE";
        auto nodes = expand_hostlist(known(field_of(line, "Nodes")));
        if (!nodes) return tl::unexpected(std::move(nodes.error()).within(partition.name));
        builder_.add_partition(std::move(partition), *nodes);
        return {};
    }

    Result<void> reservation(std::string_view line) {
        Reservation reservation{.name = std::string(field_of(line, "ReservationName")),
                                .partition = std::string(known(field_of(line, "PartitionName")))};
        auto nodes = expand_hostlist(known(field_of(line, "Nodes")));
        if (!nodes) return tl::unexpected(std::move(nodes.error()).within(reservation.name));
        bool flexible =
            ("," + std::string(field_of(line, "Flags")) + ",").find(",FLEX,") != std::string::npos;
        if (!nodes->empty() && !flexible) reservation.nodes = builder_.indices_of(*nodes);
        builder_.inventory().reservations.push_back(std::move(reservation));
        return {};
    }

    /// A line "name|flag,flag"; any other is the end of them.
    void qos(std::string_view line) {
        auto bar = line.find('|');
        in_qos_ = bar != line.npos;
        if (!in_qos_) return;
        knows_qos_ = true;
        auto flags = "," + std::string(line.substr(bar + 1)) + ",";
        lifts_nodes_ = lifts_nodes_ || flags.find(",PartitionMaxNodes,") != flags.npos;
        lifts_time_ = lifts_time_ || flags.find(",PartitionTimeLimit,") != flags.npos;
    }

    InventoryBuilder builder_;
    std::uint64_t most_nodes_ = 0;
    bool accounting_ = false, in_qos_ = false, knows_qos_ = false, lifts_nodes_ = false, lifts_time_ = false;
};

} // namespace

Result<Inventory> inventory_from_text(std::string_view text) {
    return TextReader().read(text);
}

} // namespace railhead

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

/// The limit for a node, or for a CPU, as the one or the other is written.
std::optional<MemoryPer> memory_of(std::string_view for_node, std::string_view for_cpu) {
    auto value = for_cpu.empty() ? for_node : for_cpu;
    auto mib = value == "UNLIMITED" ? 0 : number_of(value);
    return mib == 0 ? std::nullopt : std::optional(MemoryPer{.mib = mib, .cpu = !for_cpu.empty()});
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
        if (accounting_ && builder_.inventory().qos.empty())
            builder_.inventory().qos_lifts = {.nodes = true, .min_nodes = true, .time = true};
        if (!accounting_) builder_.inventory().qos.clear();
        auto inventory = builder_.take();
        inventory.can_grow = inventory.nodes.size() < most_nodes_;
        inventory.shards_of_one_gpu = inventory.tasks_bound_nodes && !shares_many_;
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
        auto number = [&](std::string_view key) {
            return leading_number<std::uint32_t>(field_of(line, key)).value_or(0);
        };
        auto memory = number_of(field_of(line, "RealMemory"));
        builder_.add_node(
            std::string(field_of(line, "NodeName")),
            {.gres = std::move(*gres),
             .cpus = number("CPUTot"),
             .memory_mib = memory - std::min(memory, number_of(field_of(line, "MemSpecLimit"))),
             .features = node_features(known(field_of(line, "AvailableFeatures"))),
             .threads = threads_of_core(number("ThreadsPerCore"), number("CPUTot"),
                                        std::uint64_t{number("Sockets")} * number("CoresPerSocket")),
             .sockets = std::max(number("Sockets"), 1u),
             .cpus_for_jobs = number("CPUEfctv")});
        auto& added = builder_.inventory().nodes.back();
        added.weight = leading_number<std::uint32_t>(field_of(line, "Weight"));
        auto state = field_of(line, "State");
        added.down = state.substr(0, state.find_first_not_of("ADEIMNOWX")) == "DOWN"; // then "*", "+DRAIN"
        return {};
    }

    Result<void> other(std::string_view line) {
        if (in_qos_) qos(line);
        if (line == qos_header) in_qos_ = true;
        if (line.starts_with("PartitionName=")) return partition(line);
        if (line.starts_with("ReservationName=")) return reservation(line);
        configuration(line);
        return {};
    }

    void configuration(std::string_view line) {
        auto& inventory = builder_.inventory();
        if (auto value = setting_of(line, "SelectTypeParameters"); !value.empty()) {
            inventory.counts_memory = value.find("MEMORY") != value.npos;
            inventory.counts_cores = value.find("CORE") != value.npos || value.find("SOCKET") != value.npos;
            shares_many_ = value.find("MULTIPLE_SHARING_GRES_PJ") != value.npos;
        }
        auto& limits = builder_.limits();
        auto memory = [&](const char* node, const char* cpu, auto& limit) {
            auto found = memory_of(setting_of(line, node), setting_of(line, cpu));
            if (found) limit = found;
        };
        memory("MaxMemPerNode", "MaxMemPerCPU", limits.most_memory);
        memory("DefMemPerNode", "DefMemPerCPU", limits.default_memory);
        add_job_defaults(limits, known(setting_of(line, "JobDefaults")));
        if (auto value = setting_of(line, "SLURM_VERSION"); !value.empty()) {
            inventory.tasks_bound_nodes = inventory.threads_bound_cpus = release_of(value) >= 2411;
            inventory.tasks_fill_nodes = inventory.gpus_on_each_socket = release_of(value) >= 2605;
        }
        if (auto value = setting_of(line, "NodeFeaturesPlugins"); !value.empty())
            inventory.features_change_nodes = !known(value).empty();
        if (auto value = setting_of(line, "MaxNodeCount"); !value.empty()) most_nodes_ = number_of(value);
        if (auto value = setting_of(line, "SchedulerParameters"); !value.empty())
            inventory.max_switch_wait = max_switch_wait_from(value);
        if (auto value = setting_of(line, "AccountingStorageType"); !value.empty())
            accounting_ = !known(value).empty() && value != "accounting_storage/none";
        if (auto value = setting_of(line, "SlurmUser"); value.find('(') != value.npos)
            inventory.slurm_user = static_cast<std::uint32_t>(number_of(value.substr(value.find('(') + 1)));
    }

    Result<void> partition(std::string_view line) {
        auto yes = [&](std::string_view key) { return field_of(line, key) == "YES"; };
        Partition partition{.name = std::string(field_of(line, "PartitionName"))};
        partition.is_default = yes("Default");
        auto state = field_of(line, "State");
        partition.takes_jobs = state != "DRAIN" && state != "INACTIVE";
        partition.alternate = known(field_of(line, "Alternate"));
        partition.qos = field_of(line, "QoS"); // "N/A": none
        partition.open = state == "UP" && !yes("Hidden") && !yes("RootOnly") && !yes("ReqResv") &&
                         !restricts(field_of(line, "AllowGroups")) &&
                         !restricts(field_of(line, "AllowAccounts")) &&
                         !restricts(field_of(line, "AllowQos"));
        partition.max_nodes = limit_of(field_of(line, "MaxNodes"));
        partition.max_minutes = time_of(field_of(line, "MaxTime"));
        partition.default_minutes = time_of(field_of(line, "DefaultTime"));
        partition.whole_nodes = field_of(line, "OverSubscribe") == "EXCLUSIVE" ||
                                field_of(line, "Exclusive") == "NODE"; // since 26.05
        partition.min_nodes = limit_of(field_of(line, "MinNodes")).value_or(0);
        partition.max_cpus_per_node = limit_of(field_of(line, "MaxCPUsPerNode"));
        partition.bounds_sockets = limit_of(field_of(line, "MaxCPUsPerSocket")).has_value();
        partition.limits.most_memory =
            memory_of(field_of(line, "MaxMemPerNode"), field_of(line, "MaxMemPerCPU"));
        partition.limits.default_memory =
            memory_of(field_of(line, "DefMemPerNode"), field_of(line, "DefMemPerCPU"));
        add_job_defaults(partition.limits, known(field_of(line, "JobDefaults")));
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
        auto flags = "," + std::string(line.substr(bar + 1)) + ",";
        auto has = [&](const char* flag) { return flags.find(flag) != flags.npos; };
        builder_.inventory().qos[std::string(line.substr(0, bar))] = {.nodes = has(",PartitionMaxNodes,"),
                                                                      .min_nodes = has(",PartitionMinNodes,"),
                                                                      .time = has(",PartitionTimeLimit,")};
    }

    InventoryBuilder builder_;
    std::uint64_t most_nodes_ = 0;
    bool accounting_ = false, in_qos_ = false, shares_many_ = false;
};

} // namespace

Result<Inventory> inventory_from_text(std::string_view text) {
    return TextReader().read(text);
}

} // namespace railhead

#pragma once
// JSON of the launcher's shapes; fields as in launcher/plan.hpp, launcher/wire.hpp and docs/schema/. Include
// it in .cpp files only.
#include "launcher/plan.hpp"
#include "launcher/wire.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <vector>

/// Unknown is null.
template <class T>
struct nlohmann::adl_serializer<std::optional<T>> {
    static void to_json(json& out, const std::optional<T>& value) {
        if (value)
            out = *value;
        else
            out = nullptr;
    }
    static void from_json(const json& in, std::optional<T>& value) {
        if (in.is_null())
            value.reset();
        else
            value = in.get<T>();
    }
};

namespace railhead {

/// For all that is printed, written or sent: on one line, or indented. Names and logs may have any bytes; one
/// that is not UTF-8 becomes U+FFFD.
inline std::string json_text(const nlohmann::json& value, int indent = -1) {
    return value.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

NLOHMANN_JSON_SERIALIZE_ENUM(Level, {{Level::unknown, "unknown"},
                                     {Level::ok, "ok"},
                                     {Level::info, "info"},
                                     {Level::warn, "warn"},
                                     {Level::fail, "fail"}})
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Finding, id, level, where, thing, seen, expected, next)

/// As commands print them: each with its sentence.
inline nlohmann::json json_of_findings(const std::vector<Finding>& findings) {
    auto list = nlohmann::json::array();
    for (const auto& finding : findings) {
        list.push_back(finding);
        list.back()["sentence"] = sentence(finding);
    }
    return list;
}

NLOHMANN_JSON_SERIALIZE_ENUM(Role, {{Role::service, "service"},
                                    {Role::driver, "driver"},
                                    {Role::rank, "rank"},
                                    {Role::launcher, "launcher"},
                                    {Role::hook, "hook"},
                                    {Role::after, "after"}})
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(PortSpec, name, node, owner)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Milestone, name, kind, arg, within_s, fresh)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(StopSpec, signal, grace_s, whole_tree)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Release, when, line)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(RankLog, name, console)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Process, id, node, role, argv, env, unset, secret_files, cwd,
                                                reason_file, starts_tasks, log, error_log, console, rank_logs,
                                                terminal, input, start_when, release, milestones, stop)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(PlanNode, name, address, component, leaf)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Plan, v, recipe, order, ports, port_range, before, processes,
                                                after, bringup_timeout_s, loss_after_s, grace_s, keep,
                                                attach_env, gpus, notes)

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Invitation, v, addresses, port, key, launch, tmp,
                                                loss_after_s, grace_s, interface, subnet, ip_version, cwd,
                                                component, probes, probe_args, probe_within_s, after_s,
                                                batch_job, batch_host, batch_requeue)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Gpu, index, id)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Hello, v, node, component, addresses, cpus, mem_bytes,
                                                shm_bytes, tmp_free_bytes, tmp_free_files, nofile, file_bytes,
                                                address_space, gpus, topology_addr, dir, step_id, versions,
                                                traits, reach_port, findings)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Ended, code, signal, oom, oom_ago_s, rank, with_step)
NLOHMANN_JSON_SERIALIZE_ENUM(Event::Type, {{Event::Type::finding, "finding"},
                                           {Event::Type::bound, "bound"},
                                           {Event::Type::started, "started"},
                                           {Event::Type::taken, "taken"},
                                           {Event::Type::milestone, "milestone"},
                                           {Event::Type::published, "published"},
                                           {Event::Type::exited, "exited"},
                                           {Event::Type::log_tail, "log_tail"},
                                           {Event::Type::log_back, "log_back"},
                                           {Event::Type::survivor, "survivor"},
                                           {Event::Type::stopped, "stopped"},
                                           {Event::Type::reached, "reached"},
                                           {Event::Type::cleared, "cleared"},
                                           {Event::Type::bye, "bye"}})
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Event, type, id, name, value, t, at_s, ended, finding, lines)
NLOHMANN_JSON_SERIALIZE_ENUM(Order::Type, {{Order::Type::tail, "tail"},
                                           {Order::Type::reserve, "reserve"},
                                           {Order::Type::start, "start"},
                                           {Order::Type::release, "release"},
                                           {Order::Type::input, "input"},
                                           {Order::Type::signal, "signal"},
                                           {Order::Type::warn, "warn"},
                                           {Order::Type::publish, "publish"},
                                           {Order::Type::window, "window"},
                                           {Order::Type::reach, "reach"},
                                           {Order::Type::clear, "clear"},
                                           {Order::Type::leave, "leave"}})
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Order, type, id, process, line, number, text, bytes, seconds)

} // namespace railhead

#pragma once
// One function per source, each in its own file. All take the whole text, which the fabric keeps; errors
// (usage) name the line. What a reader can leave out without harm is a finding of the fabric.
#include "topology/fabric.hpp"

namespace railhead::topology {

/// ibnetdiscover(8) without options, and ibdiagnet's file of the same name (*.ibnetdiscover).
Result<Fabric> read_ibnetdiscover(Text text);

/// ibnetdiscover describes each device that it names, unless its output was cut: a finding then.
void note_undescribed(Fabric& fabric, std::uint32_t last_line);
/// A last line that cannot be read and does not end: the text was cut off in it.
void note_cut_line(FabricBuilder& build, std::uint32_t number, std::string_view line);

/// ibnetdiscover -p: a line for each port.
Result<Fabric> read_ibnetdiscover_ports(Text text);
bool is_ports_report(std::string_view text); ///< by its first line

/// CSV whose first line names the columns: node and switch; rail (the adapter's name), port and speed
/// (Gbit/s) where they are known. Without what joins switches, so all groups are one pod.
Result<Fabric> read_inventory_file(Text text);
/// The same as TOML, a [[cable]] for each; at most 8 MiB.
Result<Fabric> read_inventory_toml(Text text);
bool is_toml_inventory(std::string_view text); ///< by its first line

/// ibdm's and ibdiagnet's topology file, ibdm-topo-file(1).
Result<Fabric> read_ibdm_topo(Text text);

/// A topology.conf (5), of switches or of blocks.
Result<Fabric> read_topology_file(Text text);

/// What a cloud says of where instances are: the JSON of AWS, Google, Oracle and Azure.
Result<Fabric> read_cloud_topology(Text text);

/// Ethernet cables, as lldpd at one end of each tells them: at hosts, whose neighbours are switches, or at
/// switches, whose neighbours are hosts but for those that tell something themselves, and those that say that
/// they forward (Bridge, Router), name their ports, and have cables to most of two or more switches that
/// tell, or to more than two of which no unit (switches whose neighbours mostly coincide) has more than half;
/// these are fewer than the hosts. Hosts with containers forward, too, but number ports by address, and
/// see a part of the switches. Where no neighbour says what it can do, none need say that it forwards.
/// Findings name what is taken for a switch so, and what might be one and is not.
enum class LldpFrom { hosts, switches };
Result<Fabric> read_lldp(Text text, LldpFrom from);

/// NVLink domains, each one switch.
Result<Fabric> read_nvlink_domains(Text text);

} // namespace railhead::topology

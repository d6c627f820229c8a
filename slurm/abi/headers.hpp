#pragma once
// The only place that includes Slurm's headers. They are C: names are not mangled, and macros stay here.
#include <cstdint>
#include <cstdio>
#include <ctime>

extern "C" {
#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>
#include <slurm/slurm_version.h>
#include <slurm/slurmdb.h>
#include <slurm/spank.h>
}

// Everything that differs between 22.05 and 26.05 and that we use, in one table.
#define RAILHEAD_SLURM_AT_LEAST(major, minor) (SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(major, minor, 0))
#define RAILHEAD_MODIFY_HAS_MESSAGE RAILHEAD_SLURM_AT_LEAST(23, 2)  // job_modify(..., char **err_msg)
#define RAILHEAD_HAS_CPUS_PER_SOCKET RAILHEAD_SLURM_AT_LEAST(23, 2) // partition_info_t::max_cpus_per_socket
#define RAILHEAD_PRINT_TOPO_HAS_NODES                                                                        \
    RAILHEAD_SLURM_AT_LEAST(23, 11)                           // slurm_print_topo_info_msg(.., node_list, ..)
#define RAILHEAD_HAS_SEGMENT RAILHEAD_SLURM_AT_LEAST(24, 5)   // job_desc_msg_t::segment_size
#define RAILHEAD_TOPO_HAS_NAME RAILHEAD_SLURM_AT_LEAST(25, 5) // slurm_load_topo(.., name), print's unit
#define RAILHEAD_FREE_CONF_RENAMED RAILHEAD_SLURM_AT_LEAST(26, 5) // slurm_free_ctl_conf -> slurm_free_conf
#define RAILHEAD_TASKS_BOUND_NODES RAILHEAD_SLURM_AT_LEAST(26, 5) // --ntasks-per-node says how many nodes

#pragma once
#include "slurm/abi/headers.hpp"

#include <cstdint>

/// What the exported functions of plugin.cpp forward to, behind their guard. The test of the guard links
/// throwing ones instead.
namespace railhead::jobsubmit {

int start();
int stop();
int submit(job_desc_msg_t& job, std::uint32_t uid, char** message);
int modify(job_desc_msg_t& update, std::uint32_t uid, char** message); ///< `message` is null on 22.05

} // namespace railhead::jobsubmit

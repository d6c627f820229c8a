#pragma once
#include "slurm/abi/headers.hpp"

/// What the exported functions of plugin.cpp forward to, behind their guard. The test of the guard links
/// throwing ones instead.
namespace railhead::spank {

int init(spank_t handle);
int init_post_opt(spank_t handle);
int task_init(spank_t handle);
int exit(spank_t handle);
int placement_option(int value, const char* argument, int remote);
int on_loss_option(int value, const char* argument, int remote);
int env_option(int value, const char* argument, int remote);
int check_option(int value, const char* argument, int remote);

} // namespace railhead::spank

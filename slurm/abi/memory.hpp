#pragma once
#include <string>

namespace railhead::abi {

/// Replaces a string of Slurm's (job_desc_msg_t fields, err_msg) by a copy from Slurm's own allocator:
/// slurmctld frees it with xfree and aborts on any other. Does nothing where the process exports no such
/// allocator. Source: src/common/xmalloc.c, xstring.c of all versions; undeclared in the public headers.
void assign(char*& field, const std::string& text);

/// A string of Slurm's; NULL is empty.
inline std::string text_of(const char* field) {
    return field ? field : "";
}

} // namespace railhead::abi

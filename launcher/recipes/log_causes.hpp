#pragma once
#include <span>
#include <string>
#include <vector>

namespace railhead {

/// A pattern of a log's line (ECMAScript) and what it means; {1}, {2} in `meaning` stand for its groups.
struct LogCause {
    const char* pattern;
    const char* meaning;
};

/// The meaning of the first of `causes` that matches a line, the last such line counting; empty: none does.
std::string cause_in(const std::vector<std::string>& log, std::span<const LogCause> causes);

/// What NCCL, or PyTorch's watchdog of it, says of its failure in a program's log; empty: nothing. Recorded
/// from PyTorch 2.13 and NCCL's own result names (nccl.h).
std::string nccl_failure(const std::vector<std::string>& log);

/// The last line that reads like the end of a Python traceback; empty: none does.
std::string last_exception(const std::vector<std::string>& log);

} // namespace railhead

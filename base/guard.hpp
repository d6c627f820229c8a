#pragma once
#include <exception>

namespace railhead {

/// Told of an exception that reached the C boundary: the function's name, what it said. Must not throw.
using Report = void (*)(const char* where, const char* what) noexcept;

/// Runs `body` at the C boundary of a plugin: an exception that left it would abort slurmctld or slurmstepd.
/// Whatever is thrown is reported and becomes `fallback`.
template <class T, class Body>
T guarded(const char* where, T fallback, Report report, Body&& body) noexcept {
    try {
        return body();
    } catch (const std::exception& error) {
        report(where, error.what());
    } catch (...) {
        report(where, "an exception that is no std::exception");
    }
    return fallback;
}

} // namespace railhead

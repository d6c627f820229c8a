#pragma once
#include "base/environment.hpp"
#include "base/error.hpp"

#include "base/finding.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

// Which Python a program of a Python package runs with, and what that Python has: asked on the node itself,
// as the user.

/// The interpreter that the first lines of a Python script name: "#!/opt/python", "#!/usr/bin/env python3"
/// (then "python3"), or pip's form for long paths ("#!/bin/sh" and '''exec' "/a path/python" ...). Empty:
/// neither.
std::string interpreter_of(std::string_view first_bytes);

/// Whether a program is a Python script by its first lines; a wrapper is not.
bool is_python_script(const std::string& program);

/// The interpreter that runs `program`: its own, or for a wrapper the one beside it, as in every virtual
/// environment; else what `path` has as python3.
std::string python_for(const std::string& program, std::string_view path);

/// What an agent says about a program on its node, as Hello::versions and Hello::findings.
struct Probe {
    std::map<std::string, std::string> versions;
    std::vector<Finding> findings;
};

struct PackageVersions {
    std::string package, python;
};
/// Runs a short program (0.1 s: it reads the package's metadata, and imports it only where that is not
/// there). Blocks for at most `seconds`. Error: the reason, in half a sentence.
tl::expected<PackageVersions, std::string> versions_by(const std::string& python, const std::string& package,
                                                       const Environment& environment, double seconds);

} // namespace railhead

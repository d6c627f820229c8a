#pragma once
#include "base/environment.hpp"
#include "base/finding.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace railhead {

/// What an agent says about Ray on its node, as Hello::versions and Hello::findings.
///   "ray", "python"   versions
///   "ray.program"     path of the program `ray`
///   "ray.python"      path of the interpreter that runs it: the services are started with it
/// On failure there is no "ray" in it, but a finding of level fail: "ray-missing", "ray-broken",
/// "ray-wrapper".
struct RayProbe {
    std::map<std::string, std::string> versions;
    std::vector<Finding> findings;
};

/// Runs a short Python program (0.1 s, without importing Ray) as the user, on the node itself. `program`: a
/// path, or a name looked up on PATH; empty: "ray". Blocks for at most `seconds`.
RayProbe probe_ray(const std::string& node, const std::string& program, const Environment& environment,
                   double seconds);

/// The interpreter that the first lines of a Python script name: "#!/opt/python", "#!/usr/bin/env python3"
/// (then "python3"), or pip's form for long paths ("#!/bin/sh" and '''exec' "/a path/python" ...). Empty:
/// neither.
std::string interpreter_of(std::string_view first_bytes);

} // namespace railhead

#pragma once
#include "launcher/recipes/python_of.hpp"

#include <string>

namespace railhead {

/// What an agent says about Ray on its node:
///   "ray", "python"   versions
///   "ray.program"     path of the program `ray`
///   "ray.python"      path of the interpreter that runs it: the services are started with it
/// On failure there is no "ray" in it, but a finding of level fail: "ray-missing", "ray-broken",
/// "ray-wrapper".
/// Runs a short Python program (0.1 s, without importing Ray) as the user, on the node itself. `program`: a
/// path, or a name looked up on PATH; empty: "ray". Blocks for at most `seconds`.
Probe probe_ray(const std::string& node, const std::string& program, const Environment& environment,
                double seconds);

} // namespace railhead

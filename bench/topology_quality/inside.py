"""The measuring: `python3 -m bench.topology_quality.inside OPTIONS-AS-JSON`, in a build root; the last line of standard output is the result."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bench.cloud import Controller, prepare, say
from bench.placement.inside import play, stream


def main(options: dict) -> None:
    prepare(options["plugin"])
    result = {}
    for name, path in options["files"].items():
        jobs = stream(options["jobs"], options["nodes"], options["load"], options["seed"])
        with Controller(options["nodes"], "none", topology=Path(path).read_text(encoding="utf-8")):
            held = play(jobs)
        say(f"{name}: {len(jobs)} jobs over")
        result[name] = {"jobs": [[job.nodes, job.groups, job.began - job.submitted] for job in jobs], "held": held}
    print(json.dumps(result))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

"""The measuring: `python3 -m bench.topology_quality.inside OPTIONS-AS-JSON`, in a build root; the last line of standard output is the result."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bench.cloud import BARE, FLAT, Controller, prepare, say
from bench.placement.inside import play, stream


def main(options: dict) -> None:
    prepare()
    result = {}
    for name, path in options["files"].items():
        jobs = stream(options["jobs"], options["nodes"], options["load"], options["seed"])
        text = Path(path).read_text(encoding="utf-8") if path else FLAT
        with Controller(options["nodes"], "none", topology=text, node=BARE) as controller:
            held = play(jobs, options["nodes"])
        say(f"{name}: {len(jobs)} jobs begun")
        result[name] = {"up_s": controller.up_s, "held": held,
                        "jobs": [[job.nodes, job.groups, job.room, job.began - job.submitted] for job in jobs]}
    print(json.dumps(result))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

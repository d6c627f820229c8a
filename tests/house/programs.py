"""What was built, for tests that look at programs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import tree

# Where `tests/run` and where a plain `cmake --preset dev` build.
FOLDERS = [tree.TOP / "build/bookworm/dev", tree.TOP / "build/dev", tree.TOP / "build/release"]


def missing(what: str) -> None:
    reason = f"{what} is not built: run `tests/run house`, or `cmake --preset dev && cmake --build build/dev`"
    if os.environ.get("RAILHEAD_NO_SKIPS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def built(name: str) -> Path:
    """The newest file of this name below the build folders."""
    found = [folder / name for folder in FOLDERS if (folder / name).exists()]
    if not found:
        missing(name)
    return max(found, key=lambda path: path.stat().st_mtime)


def railhead() -> str:
    return str(built("bin/railhead"))


def plugins() -> list[Path]:
    """Every built version of both plugins: the development build's, and what was installed for each suite."""
    found = [built("lib/job_submit_railhead.so"), built("lib/spank_railhead.so")]
    return found + sorted((tree.TOP / "build").glob("*/install/**/*_railhead.so"))

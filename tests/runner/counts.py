"""What passed, failed and was skipped, as test programs report it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)  # names, for the summary
    skips: list[str] = field(default_factory=list)  # "name: reason"
    details: list[str] = field(default_factory=list)  # what failed cases said, each with its name

    def __add__(self, other: Counts) -> Counts:
        """Without details: these have been shown where they were counted."""
        return Counts(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
            self.failures + other.failures,
            self.skips + other.skips,
        )

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def passed(number: int = 1) -> Counts:
    return Counts(passed=number)


def failed(name: str) -> Counts:
    return Counts(failed=1, failures=[name])


def skipped(name: str, reason: str) -> Counts:
    return Counts(skipped=1, skips=[f"{name}: {reason}"])


def _reason(element: ElementTree.Element) -> str:
    text = element.get("message") or element.text or "no reason given"
    return " ".join(text.split())[:300]


def _said(case: ElementTree.Element, lines: int = 40) -> str:
    """The end of what a failed case printed: pytest puts it into the failure, ctest beside it."""
    texts = [element.text or "" for tag in ("failure", "error", "system-out") for element in case.iter(tag)]
    return "\n".join(next((text for text in texts if len(text) > 40), texts[0] if texts else "").splitlines()[-lines:])


def from_junit(path: Path) -> Counts:
    """Counts of a JUnit file as ctest and pytest write it, counted case by case: the totals differ in meaning."""
    counts, details = Counts(), []
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname', '')}.{case.get('name', '')}".lstrip(".")
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            said = _said(case)
            counts += failed(f"{name}: {' '.join(said.split())[-300:]}")  # the summary alone may be all that one sees
            details.append(f"{name}\n{said}")
        elif skip is not None or case.get("status") in ("notrun", "disabled"):
            counts += skipped(name, _reason(skip) if skip is not None else "not run")
        else:
            counts += passed()
    counts.details = details
    return counts

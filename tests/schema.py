"""Checks documents against docs/schema: the part of JSON Schema that those use, so that no package is needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "docs/schema"
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "integer": int, "number": (int, float)}
KNOWN = {"type", "required", "properties", "items", "additionalProperties", "enum", "const", "$ref", "$defs", "$schema", "title", "description"}


def is_of(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, TYPES[name])


def problems(value: Any, schema: dict[str, Any], root: dict[str, Any] | None = None, at: str = "$") -> list[str]:
    """What is wrong with the document, a line for each; fields that the schema does not know are allowed."""
    root = root or schema
    assert not set(schema) - KNOWN, f"the checker does not know {set(schema) - KNOWN}"
    if "$ref" in schema:
        return problems(value, root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root, at)
    types = schema.get("type", [])
    if types and not any(is_of(value, name) for name in ([types] if isinstance(types, str) else types)):
        return [f"{at} is {json.dumps(value)[:60]}, not {types}"]
    found = []
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{at} is {value!r}, none of {schema['enum']}")
    if "const" in schema and value != schema["const"]:
        found.append(f"{at} is {value!r}, not {schema['const']!r}")
    if isinstance(value, dict):
        found += [f"{at} has no {name}" for name in schema.get("required", []) if name not in value]
        for name, one in value.items():
            below = schema.get("properties", {}).get(name) or schema.get("additionalProperties")
            found += problems(one, below, root, f"{at}.{name}") if isinstance(below, dict) else []
    if isinstance(value, list) and "items" in schema:
        for number, one in enumerate(value):
            found += problems(one, schema["items"], root, f"{at}[{number}]")
    return found


def check(document: Any, name: str) -> None:
    """Asserts that the document is as docs/schema/NAME.json says."""
    wrong = problems(document, json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))
    assert not wrong, "\n".join(wrong)


def undocumented(document: Any, name: str) -> set[str]:
    """Fields at the top of the document that the schema does not explain."""
    return set(document) - set(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["properties"])

"""A file is read in one sitting, a function at one glance."""

from __future__ import annotations

import statistics

import pytest
import tree

LONGEST_FILE, LONGEST_HEADER, LONGEST_FUNCTION = 400, 200, 60


def sized() -> list[str]:
    code = {*tree.cpp(), *tree.python(), *tree.shell()}
    return sorted(str(path) for path in code)


@pytest.mark.parametrize("path", sized())
def test_file_is_read_in_one_sitting(path: str) -> None:
    allowed = LONGEST_HEADER if path.endswith((".hpp", ".h")) else LONGEST_FILE
    lines = tree.read(tree.Path(path)).count("\n")
    assert lines <= allowed, f"{path} has {lines} lines, at most {allowed}: divide it by idea"


def test_functions_are_short() -> None:
    cpp = [function for path in tree.cpp() for function in tree.functions_of(path)]
    python = [function for path in tree.python() for function in tree.python_functions_of(path)]
    assert cpp and python
    long = [str(function) for function in cpp + python if function.lines > LONGEST_FUNCTION]
    assert not long, f"at most {LONGEST_FUNCTION} lines:\n" + "\n".join(long)


def test_most_functions_are_very_short() -> None:
    cpp = [f.lines for path in tree.cpp() if path.parts[0] != "tests" for f in tree.functions_of(path)]
    assert statistics.median(cpp) <= 12, f"the median C++ function has {statistics.median(cpp)} lines"


def test_the_counter_sees_functions_as_people_do(tmp_path: tree.Path) -> None:
    sample = tmp_path / "sample.cpp"
    sample.write_text(
        "namespace a {\n"
        "struct S {\n    int x = 0;\n    int get() const { return x; }\n};\n"
        "// not } counted {\n"
        'const char* text = "}{";\n'
        "int table[] = {1, 2};\n"
        "S::S(int y)\n    : x(y) {\n    auto f = [] { return 1; };\n    if (f()) {\n        x = 2;\n    }\n}\n"
        "}\n"
    )
    seen = [(function.name, function.lines) for function in tree.functions_of(sample)]
    assert seen == [("get", 1), ("S::S", 7)]

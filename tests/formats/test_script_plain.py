"""Lines read by one expression: the same operation as the tables read, and nothing that they refuse."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmapexplorer.core import operations as o
from rmapexplorer.formats import script
from rmapexplorer.formats.script import Run, expand, read_script
from rmapexplorer.formats.script_cursor import ScriptError
from rmapexplorer.formats.script_operations import EXAMPLES, print_operation
from rmapexplorer.formats.script_plain import plain

from .strategies import EXAMPLES as ALL
from .strategies import operations

LINES = [*EXAMPLES.values(), *map(print_operation, ALL), "mmap 1 a10 rw shared locked populate", "touch 1 a w, 1-2 r,3 w",
         'mmap 1 0-5 none private file "" offset f label "x y"', "mremap 1 a10-a20 pages 3 dontunmap"]  # fmt: skip
PARTS = ("a10", "-", " ", "  ", ",", "w", "r", "none", "anon", '"', "\\", "private", "locked locked", "0x1", "é", "\t", "_", "p",
         "9" * 10, "f" * 13, "pages", "to", "->", "#", "(1)", "+", "let", "refused", "at any")  # fmt: skip


def with_care(line: str, monkeypatch: pytest.MonkeyPatch) -> o.Operation | None:
    with monkeypatch.context() as patched:
        patched.setattr(script, "plain", lambda line: None)
        program = read_script(line)
    try:
        found = [op for _, op in expand(program, Run())]
    except ScriptError:
        return None
    return found[0] if len(found) == 1 and not program.faults else None


@given(operations)
def test_what_is_printed_is_read(op: o.Operation) -> None:
    assert plain(print_operation(op)) in (op, None)


def test_the_usual_lines_are_plain() -> None:
    assert [op.name for op in ALL if plain(print_operation(op)) is None] == [
        "reclaim", "munlock", "mseal", "ftruncate", "punch", "remap_file_pages", "swapoff", "ksm",
    ]  # fmt: skip


def test_any_line_is_what_it_is_with_care(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(5)
    read = 0
    for _ in range(4000):
        line = rng.choice(LINES)
        for _ in range(rng.choice((0, 1, 1, 2))):
            at = rng.randrange(len(line) + 1)
            line = line[:at] + rng.choice((*PARTS, "")) + line[at + rng.choice((0, 0, 1, 2, 5)) :]
        found = plain(line)
        read += found is not None
        if found is not None:
            assert found == with_care(line, monkeypatch), line
    assert read > 600


@given(
    st.lists(
        st.sampled_from([*LINES, "let p = 1", "touch p a10 w", "repeat 2:", "  exit 1", "title", "exit", 'mark "x"'])
    )
)
def test_a_text_has_the_same_operations_and_faults(lines: list[str]) -> None:
    text = "\n".join(lines)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(script, "plain", lambda line: None)
        slow = read_script(text)
    fast = read_script(text)
    assert fast.faults == slow.faults and [s.line for s in fast.statements] == [s.line for s in slow.statements]
    if not slow.faults:
        runs = Run(), Run()
        assert list(expand(fast, runs[0])) == list(expand(slow, runs[1]))
        assert runs[0].env == runs[1].env or runs[0].env.highest == runs[1].env.highest

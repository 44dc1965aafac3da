"""Scenario scripts: every operation there and back, names and loops, and one clear sentence for every fault."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmapexplorer.core import operations as o
from rmapexplorer.core.operations import OPERATIONS
from rmapexplorer.core.units import Span
from rmapexplorer.formats.script import SCRIPT_OPERATIONS, Program, Run, expand, read_script
from rmapexplorer.formats.script_cursor import ScriptError
from rmapexplorer.formats.script_numbers import Env
from rmapexplorer.formats.script_operations import EXAMPLES, NAMES, SHAPES, print_operation

from .strategies import EXAMPLES as ALL
from .strategies import operations, words


def expanded(program: Program, run: Run | None = None) -> list[o.Operation]:
    return [op for _, op in expand(program, run or Run()) if op is not None]


def ops(text: str, **settings: int) -> list[o.Operation]:
    program = read_script(text)
    assert [str(fault) for fault in program.faults] == []
    return expanded(program, Run(settings=settings))


def fault(text: str) -> str:
    program = read_script(text)
    if program.faults:
        return str(program.faults[0])
    with pytest.raises(ScriptError) as caught:
        expanded(program)
    return str(caught.value)


# -- there and back -----------------------------------------------------------------------------------


@given(st.lists(operations, max_size=6))
def test_what_is_printed_reads_as_the_same_operations(log: list[o.Operation]) -> None:
    text = "\n".join(print_operation(op) for op in log)
    assert ops(text) == log
    assert [print_operation(op) for op in ops(text)] == text.split("\n")[: len(log)]


@pytest.mark.parametrize("op", ALL, ids=lambda op: op.name)
def test_every_operation_has_its_line(op: o.Operation) -> None:
    assert ops(print_operation(op)) == [op]


def test_the_table_has_every_operation_and_every_field() -> None:
    assert set(SHAPES) == set(OPERATIONS)
    assert set(EXAMPLES) == set(NAMES)
    for name, text in EXAMPLES.items():
        [op] = ops(text)
        assert op.name == name and print_operation(op) == text


@pytest.mark.parametrize("prot", ["", "r", "rw", "rwx", "none", "-"])
def test_a_protection_is_kept_as_the_session_spells_it(prot: str) -> None:
    op = o.Mprotect(pid=1, span=Span(16, 32), prot=prot)
    assert ops(print_operation(op)) == [op]


@given(words)
def test_any_text_can_stand_in_quotes(word: str) -> None:
    text = print_operation(o.Exec(pid=1, comm=word))
    assert "\n" not in text and text.isprintable()
    assert ops(text) == [o.Exec(pid=1, comm=word)]


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("mmap 2 a10-a20", "mmap 2 a10-a20 rw private"),
        ("mmap 2 16 pages at a10 rw", "mmap 2 a10-a20 rw private"),
        ("munmap 2 a10", "munmap 2 a10-a11"),
        ("touch 2 a10-a11 w", "touch 2 a10 w"),
        ("mremap 2 a18-a1c to a20 pages 4", "mremap 2 a18-a1c to a20"),
        ("mremap 2 a18-a1c", "mremap 2 a18-a1c pages 4"),
        ("spawn 1\nfork 1", "spawn 1\nfork 1 -> 2"),
        ("clone 1 -> 7", "clone 1 -> 7 thread"),
        ('mmap 1 0x10-20 rx file "libc.so.6" offset 4 locked', 'mmap 1 10-20 rx private file "libc.so.6" offset 4 locked'),
        ("exit 2  # and gone", "exit 2"),
    ],
)  # fmt: skip
def test_short_forms(short: str, long: str) -> None:
    assert ops(short) == ops(long)


def test_free_places_stay_open_and_pids_go_upwards() -> None:
    found = ops("spawn 7\nmmap 7 16 pages at any rw\nmremap 7 a0-a4 to any\nfork 7 -> new as kid\nfork kid\nspawn new")
    assert found[1:] == [
        o.Mmap(pid=7, span=Span(-1, 15)), o.Mremap(pid=7, span=Span(0xA0, 0xA4), new_pages=4, to=-1),
        o.Fork(pid=7, child=8), o.Fork(pid=8, child=9), o.Spawn(pid=10),
    ]  # fmt: skip


def test_where_pids_are_not_known_they_are_left_to_the_engine() -> None:
    program = read_script("fork 1")
    assert expanded(program, Run(env=Env(highest=None))) == [o.Fork(pid=1, child=0)]
    with pytest.raises(ScriptError, match="the pid of 'kid' is not known"):
        expanded(read_script("fork 1 -> new as kid"), Run(env=Env(highest=None)))


# -- names and loops ----------------------------------------------------------------------------------


def test_names_and_sums() -> None:
    text = "let server = 1\nlet step = 0x10\nlet n = 2 * (server + 3) - 1\nreclaim n\ntouch server (a20 - step)-a10 + step*2 w"
    assert ops(text) == [o.Reclaim(pages=7), o.Touch(pid=1, runs=((0xA10, 0xA30, "w"),))]


def test_numbers_of_pages_are_decimal_and_page_numbers_hexadecimal() -> None:
    assert ops("repeat 2 as i: touch 1 a10 + i*10 w\nreclaim 10") == [
        o.Touch(pid=1, runs=((0xA10, 0xA11, "w"),)), o.Touch(pid=1, runs=((0xA20, 0xA21, "w"),)), o.Reclaim(pages=10),
    ]  # fmt: skip


def test_blocks_in_blocks() -> None:
    text = """
repeat 2 as i:
    # who
    repeat 2 as k:

        touch i + 1 (k) w
    exit i + 1
swapoff
"""
    program = read_script(text)
    found = [(line, op) for line, op in expand(program, Run()) if op is not None]
    assert [line for line, _ in found] == [6, 6, 7, 6, 6, 7, 8]
    assert [op.pid for _, op in found[:-1]] == [1, 1, 1, 2, 2, 2]  # type: ignore[union-attr]


def test_a_loop_on_one_line_counts() -> None:
    assert len(ops("spawn 1\nrepeat 1000: fork 1")) == 1001
    assert ops("repeat 2: repeat 3: swapoff") == [o.Swapoff()] * 6
    assert ops("repeat 0: swapoff") == []


def test_settings_stand_in_for_what_let_says() -> None:
    text = "let n = 3\nlet m = n * 2\nrepeat n: swapoff\nreclaim m"
    assert ops(text, n=1) == [o.Swapoff(), o.Reclaim(pages=2)]


def test_bookmarks_have_positions() -> None:
    run = Run()
    expanded(read_script('mark "start"\nrepeat 2: swapoff\nmark "end"'), run)
    assert run.marks == [(0, "start", 1), (2, "end", 3)]


# -- faults -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("mmpa 1 a10-a20", "line 1, column 1: found 'mmpa', expected an operation, 'let', 'repeat' or 'mark'; did you mean 'mmap'?"),
        ("\nmprotect 2 a10-a20 q", "line 2, column 20: found 'q', expected 'r', 'rw', 'rx', 'rwx', 'w', 'wx', 'x' or 'none'"),
        ("fork", "line 1, column 5: found the end of the line, expected a process id"),
        ("let server = 1\nfork srver", "line 2, column 6: found 'srver', expected a process id; did you mean 'server'?"),
        ("reclaim a10", "line 1, column 9: found 'a10', expected a number of pages in decimal (hexadecimal is written 0xa10)"),
        ("madvise 1 a10-a20 dontned", "did you mean 'dontneed'?"),
        ("exit 2 3", "line 1, column 8: found '3', expected"),
        ("exit 99999999999", "line 1, column 6: 99999999999 is out of range: a process id goes from 0 to 2147483647"),
        ("munmap 1 (a10 - a20)-a30", "column 11: -10 is out of range: a page number goes from 0 to"),
        ("let a1 = 3", "line 1, column 5: 'a1' reads as a number; choose a name with a letter beyond f"),
        ("let pages = 3", "'pages' is a word of the language"),
        ("let n = n + 1", "column 9: found 'n', expected a number"),
        ('exec 1 "sh', 'line 1, column 8: the text in quotes does not end; put " behind it'),
        ('exec 1 "\\q"', "the text in quotes is damaged"),
        ('exec 1 "' + "x" * 5000 + '"', "must be at most 4096 characters long"),
        ("repeat 3:", "line 1, column 1: found nothing to repeat"),
        ("repeat 3:\nexit 1", "line 1, column 1: found nothing to repeat"),
        ("  exit 1", "line 1, column 1: the line is indented further than those above it"),
        ("repeat 2:\n    exit 1\n  exit 2", "line 3, column 1: the line is indented further"),
        ("exit 1\ntitle \"x\"", "line 2, column 1: 'title' must stand above the first operation"),
        ("munmap 1 4 pages at any", "found 'any', expected a page number"),
        ("touch 1 a10 w,", "found the end of the line, expected a span like a10-a20"),
        ("designs anonm", "did you mean 'anonmm'?"),
        ("calls 5.5", "line 1, column 7: found '5.5', expected one of 6.18"),
        ("machine rom=3", "found 'rom', expected 'ram'"),
        ("exit é", "found 'é', expected a process id"),
        ("let x = " + "(" * 5000, "the expression has more than 40 parts"),
        ("let x = " + "1+" * 5000 + "1", "the expression has more than 40 parts"),
        ("let x = 9999999999999999999 * 9", "is too large"),
        ("let x = " + "9" * 5000, "expected a number"),
        ("repeat 1 as i: reclaim i - 1", "column 24: -1 is out of range"),
        ("repeat " * 13, "expected a number"),
        ("repeat 2: " * 13 + "swapoff", "more than 12 loops inside each other"),
    ],
)  # fmt: skip
def test_a_fault_is_one_sentence_with_its_place(text: str, sentence: str) -> None:
    assert sentence in fault(text)


def test_all_faults_are_told_at_once_and_the_rest_is_read() -> None:
    program = read_script("exi 1\nexit 1\nexit\nexit 3")
    assert [f.line for f in program.faults] == [1, 3]
    assert len(program.statements) == 2


@pytest.mark.parametrize(
    "text",
    [
        "repeat 1000: repeat 1000: repeat 1000: swapoff",
        f"repeat {SCRIPT_OPERATIONS + 1}: swapoff",
        "repeat 9000000000000000000: swapoff",
    ],
)
def test_an_explosion_is_refused_at_once(text: str) -> None:
    began = time.perf_counter()
    assert fault(text) == "line 1, column 1: the script comes to more than 1,000,000 operations; repeat fewer times"
    assert time.perf_counter() - began < 0.5


def test_loops_without_operations_end_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rmapexplorer.formats.script.MAX_STEPS", 1000)
    assert "the script runs through more than 1,000 lines" in fault("repeat 1000000000: let x = 1")
    assert "the script runs through more than 1,000 lines" in fault('repeat 1000000000: mark "x"')


def test_growing_loops_are_counted_while_they_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rmapexplorer.formats.script.SCRIPT_OPERATIONS", 100)
    assert "more than 100 operations" in fault("let n = 101\nrepeat n: swapoff")


@given(st.text(max_size=60))
def test_any_text_at_all_has_faults_or_operations(text: str) -> None:
    program = read_script(text)
    if not program.faults:
        expanded(program)
    assert all(f.line >= 1 and f.column >= 1 and "\n" not in f.text for f in program.faults)


@given(st.lists(st.sampled_from([*NAMES, "1", "a10", "-", "a20", "->", "new", "(", ")", "*", "+", '"x"', ":", "repeat", "as",
                                 "let", "i", "=", "pages", "at", "any", "w", ",", "\n", "    "]), max_size=14))  # fmt: skip
def test_any_words_at_all_have_faults_or_operations(parts: list[str]) -> None:
    program = read_script(" ".join(parts))
    if not program.faults:
        for op in expanded(program):
            assert print_operation(op)

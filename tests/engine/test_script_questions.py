"""What the script panel asks: the lines of the log, where a script departs from it, what its first lines want."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rmapexplorer.core.operations import Fork, Mmap, Mremap, Operation, Reclaim, Spawn, Touch
from rmapexplorer.core.units import Span
from rmapexplorer.engine import script_questions
from rmapexplorer.engine.bookmarks import SetBookmark
from rmapexplorer.engine.engine import Engine
from rmapexplorer.engine.frames import Answer, Frame
from rmapexplorer.engine.script_questions import (
    Difference,
    Ground,
    Rest,
    SaveScript,
    ScriptLines,
    ScriptPart,
    agrees,
    head_word,
)
from rmapexplorer.formats.script import Run, expand, read_script
from rmapexplorer.formats.script_session import load_script
from rmapexplorer.formats.script_slots import ANY

TEXT = """\
designs pte_chain anon_vma
machine ram=4096
file "libc" pages 20
process 1 "init"
mmap 1 a10-a20 rw private
mark "mapped"
repeat 2: fork 1 -> new
"""


class Rig:
    """A real engine with a session, that is asked."""

    def __init__(self, text: str) -> None:
        self.engine = Engine()
        self.engine.start()
        self.frame: Frame | None = None
        self.engine.new(load_script(text.encode(), "t.rmaps"))
        self.messages()

    def messages(self) -> list[Any]:
        """All that it says until it rests."""
        assert self.engine.wait_idle(10.0)
        found = list(self.engine.take())
        self.frame = next((m for m in reversed(found) if isinstance(m, Frame)), self.frame)
        return found

    def ask(self, question: Any) -> Any:
        """The answer."""
        ticket = self.engine.ask(question)
        return next(m.value for m in self.messages() if isinstance(m, Answer) and m.ticket == ticket)


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig(TEXT)
    yield made
    assert made.engine.stop(10.0)


def test_the_lines_of_the_log(rig: Rig) -> None:
    part = rig.ask(ScriptLines(0, 3))
    assert isinstance(part, ScriptPart) and part.source == TEXT and part.head == 3 and part.pids == 1
    assert part.lines == ("mmap 1 a10-a20 rw private", 'mark "mapped"', "fork 1 -> 2", "fork 1 -> 3")
    later = rig.ask(ScriptLines(1, 2))
    assert (later.lines, later.operations, later.source) == (("fork 1 -> 2",), 1, "")


def test_another_log_than_that_of_the_script_has_no_source(rig: Rig) -> None:
    rig.engine.submit([Fork(pid=1, child=7)])
    rig.messages()
    assert rig.ask(ScriptLines(0, 4)).source == ""


def test_bookmarks_are_lines(rig: Rig) -> None:
    rig.engine.job(lambda number: SetBookmark(number=number, position=3, text='say "x"'))
    rig.messages()
    assert rig.ask(ScriptLines(2, 3)).lines == ("fork 1 -> 3", 'mark "say \\"x\\""')


def test_where_a_script_departs_from_the_log(rig: Rig) -> None:
    done = rig.ask(Rest(0))
    assert [type(op) for op in done] == [Mmap, Fork, Fork]
    assert rig.ask(Difference(done, 0)) == (3, True)
    assert rig.ask(Difference((*done, Fork(pid=1, child=0)), 0)) == (3, True)
    assert rig.ask(Difference((done[0], Fork(pid=1, child=9), done[2]), 0)) == (1, True)
    assert rig.ask(Difference(done[1:], 1)) == (2, True)
    assert rig.ask(Rest(2)) == done[2:]


def test_a_long_comparison_is_answered_in_parts(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script_questions, "COMPARED", 2)
    done = rig.ask(Rest(0))
    assert rig.ask(Difference(done, 0)) == (2, False)
    assert rig.ask(Difference(done, 0, 2)) == (3, True)


SPAN, FOUND = Span(ANY, ANY + 4), Span(0x7000, 0x7004)


@pytest.mark.parametrize(
    ("op", "done", "same"),
    [
        (Mmap(pid=1, span=SPAN), Mmap(pid=1, span=FOUND), True),
        (Mmap(pid=1, span=SPAN), Mmap(pid=1, span=Span(0x7000, 0x7005)), False),
        (Mmap(pid=1, span=SPAN), Mmap(pid=1, span=FOUND, prot="r"), False),
        (Mremap(pid=1, span=FOUND, new_pages=4, to=ANY), Mremap(pid=1, span=FOUND, new_pages=4, to=0x9000), True),
        (Fork(pid=1, child=0), Fork(pid=1, child=5), True),
        (Fork(pid=1, child=0), Fork(pid=2, child=5), False),
        (Fork(pid=1, child=4), Fork(pid=1, child=5), False),
        (Spawn(pid=0, comm="a"), Spawn(pid=3, comm="a"), True),
        (Spawn(pid=0, comm="a"), Spawn(pid=3, comm="b"), False),
        (Reclaim(pages=3), Reclaim(pages=3), True),
        (Reclaim(pages=3), Fork(pid=1, child=0), False),
    ],
)
def test_what_is_left_to_the_kernel_may_be_anything(op: Operation, done: Operation, same: bool) -> None:
    assert agrees(op, done) is same


def heads(text: str) -> tuple[tuple[int, str, dict[str, Any]], ...]:
    """What ``Ground`` is given for a text."""
    run = Run()
    list(expand(read_script(text), run))
    return tuple((statement.line, head_word(statement), values) for statement, values in run.heads)


def test_what_the_first_lines_of_a_script_want(rig: Rig) -> None:
    same = rig.ask(Ground(heads(TEXT)))
    assert (same.calls, same.designs, same.elsewhere) == ("", (), ())
    other = rig.ask(
        Ground(
            heads('title "x"\ncalls 4.0\ndesigns pte_chain anon_vma\nmachine ram=8\nprocess 5\nfile "libc" pages 3\n')
        )
    )
    assert other.calls == "4.0" and other.elsewhere == (4, 5, 6)
    assert other.designs == (("pte_chain", {}), ("anon_vma", {})), (
        "another kernel brings others, so they are said again"
    )
    assert rig.ask(Ground(heads("designs anonmm\n"))).designs == (("anonmm", {}),)


def test_a_script_is_written(rig: Rig, tmp_path: Path) -> None:
    target = tmp_path / "out.rmaps"
    for text, heads_too, wanted in (
        (None, True, TEXT.replace("repeat 2: fork 1 -> new", "fork 1 -> 2\nfork 1 -> 3")),
        ("fork 1 -> 2  # mine", True, "fork 1 -> 2  # mine"),
        ("designs anonmm\nspawn 1", False, "designs anonmm\nspawn 1"),
    ):
        rig.engine.job(lambda n, t=text, h=heads_too: SaveScript(number=n, path=str(target), text=t, heads=h))
        rig.messages()
        written = target.read_text()
        for line in wanted.splitlines():
            assert line in written.splitlines()
        assert ("machine ram=4096" in written) is heads_too
        assert load_script(written.encode(), "out.rmaps").operations


def test_a_folder_that_is_not_there_is_one_sentence(rig: Rig, tmp_path: Path) -> None:
    jobs: list[SaveScript] = []

    def make(number: int) -> SaveScript:
        jobs.append(SaveScript(number=number, path=str(tmp_path / "no" / "x.rmaps")))
        return jobs[0]

    rig.engine.job(make)
    rig.messages()
    assert "x.rmaps" in (jobs[0].result or "") and "\n" not in (jobs[0].result or "")


def test_a_touch_is_compared_by_what_it_touches() -> None:
    first = Touch(pid=1, runs=((0xA10, 0xA12, "w"),))
    assert agrees(first, Touch(pid=1, runs=((0xA10, 0xA12, "w"),)))
    assert not agrees(first, Touch(pid=1, runs=((0xA10, 0xA12, "r"),)))

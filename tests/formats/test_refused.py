"""A refused call stays in the history with its outcome: every kind of refusal is saved, loaded and replayed alike."""

from __future__ import annotations

import pytest
from engine.test_real_worlds import Driver

from rmapexplorer.core import operations as o
from rmapexplorer.core.outcome import Outcome
from rmapexplorer.core.units import TASK_SIZE_PAGES, Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import USUAL
from rmapexplorer.engine.frames import Notice, Saved
from rmapexplorer.formats import codec
from rmapexplorer.formats.errors import FormatError
from rmapexplorer.formats.session import Session, load_session, save_session

END = TASK_SIZE_PAGES
HERE, EMPTY, BACKWARDS, BEYOND = Span(16, 20), Span(16, 16), Span(20, 16), Span(END - 1, END + 1)
BEGIN = (
    o.Spawn(pid=1),
    o.Mmap(pid=1, span=Span(16, 24)),
    o.Touch(pid=1, runs=((16, 24, "w"),)),
    o.Mmap(pid=1, span=Span(32, 36), kind="file-shared", file="f"),
)

REFUSED: tuple[tuple[str, o.Operation], ...] = (
    ("ESRCH", o.Exit(pid=99)),
    ("ESRCH", o.Exec(pid=0)),
    ("ESRCH", o.Fork(pid=99, child=5)),
    ("EEXIST", o.Fork(pid=1, child=1)),
    ("EINVAL", o.Fork(pid=1, child=0)),
    ("EEXIST", o.Clone(pid=1, child=1)),
    ("EEXIST", o.Spawn(pid=1)),
    ("EINVAL", o.Spawn(pid=0)),
    *(("EINVAL", o.Mmap(pid=1, span=span)) for span in (EMPTY, BACKWARDS)),
    ("ENOMEM", o.Mmap(pid=1, span=BEYOND)),
    ("EEXIST", o.Mmap(pid=1, span=HERE, flags=("noreplace",))),
    ("EBADF", o.Mmap(pid=1, span=HERE, kind="file-private")),
    *(("EINVAL", o.Munmap(pid=1, span=span)) for span in (EMPTY, BACKWARDS, BEYOND)),
    ("ENOMEM", o.Mprotect(pid=1, span=Span(24, 28), prot="r")),
    ("ENOMEM", o.Mprotect(pid=1, span=BEYOND, prot="r")),
    ("ENOMEM", o.Mprotect(pid=1, span=BACKWARDS, prot="r")),
    ("EINVAL", o.Mremap(pid=1, span=HERE, new_pages=0)),
    ("EINVAL", o.Mremap(pid=1, span=HERE, new_pages=4, to=18)),
    ("EINVAL", o.Mremap(pid=1, span=HERE, new_pages=4, to=END)),
    ("EINVAL", o.Mremap(pid=1, span=HERE, new_pages=END + 1)),
    ("EINVAL", o.Mremap(pid=1, span=HERE, new_pages=4, dontunmap=True)),
    ("EINVAL", o.Mremap(pid=1, span=EMPTY, new_pages=4, to=64)),
    ("EFAULT", o.Mremap(pid=1, span=Span(80, 84), new_pages=4, to=64)),
    ("ENOMEM", o.Madvise(pid=1, span=Span(80, 84), advice="dontneed")),
    ("ENOMEM", o.Madvise(pid=1, span=BEYOND, advice="dontneed")),
    ("EINVAL", o.Madvise(pid=1, span=Span(32, 36), advice="free")),
    ("SIGSEGV", o.Touch(pid=1, runs=((16, 26, "r"),))),
    ("SIGSEGV", o.Touch(pid=1, runs=((END, 2 * END, "w"),))),
    ("ENOMEM", o.Mlock(pid=1, span=Span(80, 84))),
    ("EBADF", o.Ftruncate(pid=1, file="nosuch", pages=1)),
    ("EBADF", o.Ftruncate(pid=1, file="", pages=1)),
    ("EBADF", o.Punch(pid=1, file="", offset=0, pages=1)),
    ("EINVAL", o.Punch(pid=1, file="f", offset=0, pages=0)),
    ("EINVAL", o.RemapFilePages(pid=1, span=HERE, offset=0)),
)
OPERATIONS = (*BEGIN, *(op for _, op in REFUSED))


def outcomes(key: int, operations: tuple[o.Operation, ...]) -> tuple[list[Outcome], str]:
    world = World(USUAL[key](), Machine())
    return [world.apply(op) for op in operations], world.digest()


@pytest.mark.parametrize("key", range(len(USUAL)), ids=lambda key: USUAL[key].key)
def test_refusals_are_what_they_were_after_save_and_load(key: int, tmp_path) -> None:
    """Each with the errno that stands beside it, before and after; the worlds end equal to the last byte."""
    path = str(tmp_path / "refused.rmap")
    save_session(Session(title="refused", operations=OPERATIONS, position=len(OPERATIONS)), path)
    loaded = load_session(path).operations
    assert loaded == OPERATIONS
    before, digest = outcomes(key, OPERATIONS)
    assert [out.error for out in before] == [None] * len(BEGIN) + [errno for errno, _ in REFUSED]
    assert outcomes(key, loaded) == (before, digest)


def test_the_engine_logs_refused_calls_and_saves_them(tmp_path) -> None:
    """Submitted one by one, saved, opened again: the same operations, none left out."""
    path = str(tmp_path / "refused.rmap")
    wanted = [op for _, op in REFUSED if not (isinstance(op, o.Spawn) and op.pid == 0)]
    wanted = [op for op in wanted if getattr(op, "child", 1)]  # 0: the kernel chooses
    driver = Driver(BEGIN, position=len(BEGIN))
    for number, op in enumerate(wanted):
        driver.conductor.submit([op], "", 10 + number)
        driver.run()
    refused = [message for message in driver.messages if isinstance(message, Notice) and message.level == "refused"]
    assert len(refused) == len(wanted)
    driver.conductor.save(path, 99)
    driver.run()
    assert any(isinstance(message, Saved) for message in driver.messages)
    assert load_session(path).operations == (*BEGIN, *wanted)


@pytest.mark.parametrize(
    "op",
    [
        o.Munmap(pid=1, span=Span(-5, 4)),
        o.Mmap(pid=1, span=HERE, offset=-1),
        o.Mprotect(pid=1, span=HERE, prot="wr"),
        o.Spawn(pid=7, comm="a\0b"),
        o.Touch(pid=1, runs=()),
        o.Reclaim(pages=-1),
    ],
    ids=lambda op: op.name,
)
def test_what_no_session_can_hold_is_refused_and_not_logged(op: o.Operation) -> None:
    assert codec.problem(op)
    with pytest.raises(FormatError):
        save_session(Session(title="x", operations=(op,), position=0), "/nowhere/x.rmap")
    driver = Driver(BEGIN, position=len(BEGIN))
    driver.conductor.submit([op], "", 4)
    driver.run()
    notice = [message for message in driver.messages if isinstance(message, Notice)][-1]
    assert (notice.level, notice.errno) == ("refused", "EINVAL")
    assert op.name in notice.text and "\n" not in notice.text
    assert driver.conductor.stage.line.head == len(BEGIN)

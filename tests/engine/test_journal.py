"""Journals: what is not saved is on disk soon, costs what is new, and comes back whole."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rmapexplorer.core.operations import Fork, Mmap, Operation, Spawn, Touch
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.engine import journal as writing
from rmapexplorer.engine.bookmarks import RenameBranch, SetBookmark
from rmapexplorer.engine.files import session_of
from rmapexplorer.engine.journal import WHOLE, Journal
from rmapexplorer.engine.stage import Stage
from rmapexplorer.engine.timeline import Timeline
from rmapexplorer.formats.errors import FormatError
from rmapexplorer.formats.journal import Base, about_journal
from rmapexplorer.formats.open import load_any
from rmapexplorer.formats.session import Session, save_session
from rmapexplorer.formats.stamp import stamp_of

from .real_driver import Hand

HERE = [Spawn(pid=1, comm="init"), *(Fork(pid=1, child=pid) for pid in range(2, 8))]


class Corner:
    """A place for a journal."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "1-1-00000000.journal"
        self.fails = False

    def hold(self) -> None:
        if self.fails:
            raise OSError(28, "No space left on device")
        self.path.parent.mkdir(exist_ok=True)

    def drop(self) -> None:
        for path in self.path.parent.glob("1-1-00000000.*"):
            path.unlink()


@pytest.fixture
def corner(tmp_path: Path) -> Corner:
    return Corner(tmp_path / "recovery")


@pytest.fixture
def kept(corner: Corner) -> Iterator[Journal]:
    made = Journal(corner)
    yield made
    assert made.close(5, keep=False)
    assert not corner.path.parent.exists() or list(corner.path.parent.iterdir()) == []


def listening(kept: Journal, log: list[Operation] = HERE, position: int | None = None) -> Hand:
    """A session that the journal is shown."""
    hand = Hand(log, len(log) if position is None else position)
    hand.conductor.keeper = kept
    kept.arm(1, "/home/me/mine.rmap")
    return hand


def same(found: Session, hand: Hand) -> None:
    """What came back is what the engine holds."""
    wanted = session_of(hand.stage)
    for name in ("title", "machine", "designs", "operations", "parents", "position", "branches", "branch", "selection",
                 "view", "report"):  # fmt: skip
        assert getattr(found, name) == getattr(wanted, name), name
    assert sorted(map(str, found.notes)) == sorted(map(str, wanted.notes))


def test_what_is_done_comes_back_as_it_was(kept: Journal, corner: Corner) -> None:
    hand = listening(kept)
    hand.submit(Fork(pid=1, child=20))
    hand.seek(3)
    hand.job(lambda n: SetBookmark(number=n, position=2, text="here"))
    hand.submit(Fork(pid=2, child=21), Fork(pid=2, child=22))
    hand.job(lambda n: RenameBranch(number=n, old="branch 2", new="mine"))
    hand.branch("main")
    hand.job(lambda n: SetBookmark(number=n, position=7, text="there"))
    hand.job(lambda n: SetBookmark(number=n, position=0, text="start"))
    hand.branch("mine")
    hand.seek(4)
    hand.conductor.select(2, 77)
    hand.conductor.set_designs([("anonmm", {"variant": "4c"}), ("pte_chain", {})], 90)
    hand.conductor.set_calls("3.0", 91)
    hand.run()
    assert kept.flush(5) and not kept.trouble
    same(load_any(str(corner.path)), hand)
    about = about_journal(str(corner.path))
    assert (about.title, about.path, about.operations) == ("log", "/home/me/mine.rmap", 10)


def test_a_change_is_on_disk_within_two_seconds_and_only_it_is_written(kept: Journal, corner: Corner) -> None:
    hand = listening(kept)
    hand.submit(Fork(pid=1, child=20))
    until = time.monotonic() + 2
    while not kept.written and time.monotonic() < until:
        time.sleep(0.01)
    assert len(load_any(str(corner.path)).operations) == 8
    before = corner.path.read_bytes()
    hand.submit(Fork(pid=1, child=21))
    assert kept.flush(5)
    after = corner.path.read_bytes()
    assert after.startswith(before) and len(after) - len(before) < 150
    same(load_any(str(corner.path)), hand)


def test_only_the_session_that_has_changes_is_kept(kept: Journal, corner: Corner) -> None:
    hand = Hand(HERE, 7)
    hand.conductor.keeper = kept
    hand.submit(Fork(pid=1, child=20))
    kept.arm(7, "")
    hand.submit(Fork(pid=1, child=21))
    assert kept.flush(5) and not corner.path.exists()


def test_cleared_nothing_stays_and_a_later_change_is_kept_again(kept: Journal, corner: Corner) -> None:
    hand = listening(kept)
    hand.submit(Fork(pid=1, child=20))
    assert kept.flush(5) and corner.path.exists()
    kept.clear()
    kept.arm(1, "")
    hand.submit(Fork(pid=1, child=21))
    assert kept.flush(5)
    same(load_any(str(corner.path)), hand)
    kept.clear()
    until = time.monotonic() + 2
    while corner.path.exists() and time.monotonic() < until:
        time.sleep(0.01)
    assert list(corner.path.parent.iterdir()) == []


def grown(count: int, base: Base | None = None) -> Stage:
    """A long log that nothing runs."""
    line = Timeline()
    stage = Stage(line=line, lanes=[], machine=Machine(), title="long", session=Session(title="long"), base=base)
    for n in range(count):
        line.append(Mmap(pid=1, span=Span(16 * n, 16 * n + 4)))
    return stage


class TestLongLogs:
    def opened(self, tmp_path: Path) -> tuple[Stage, Path]:
        """The stage of a session just opened that is too long to be written again."""
        stage, path = grown(WHOLE + 100), tmp_path / "long.rmap"
        operations = tuple(stage.line.operations)
        save_session(Session(title="long", operations=operations, position=9, report=("skipped",)), str(path))
        stamp = stamp_of(str(path))
        assert stamp is not None
        stage.base = Base(path=str(path), stamp=stamp, operations=len(operations))
        return stage, path

    def test_the_journal_goes_on_from_the_file(self, kept: Journal, corner: Corner, tmp_path: Path) -> None:
        stage, path = self.opened(tmp_path)
        kept.arm(1, str(path))
        stage.line.append(Fork(pid=1, child=2))
        kept.look(stage, 1)
        assert kept.flush(10) and not kept.trouble
        assert corner.path.stat().st_size < 1500
        path.unlink()  # the copy beside the journal is enough
        found = load_any(str(corner.path))
        assert found.operations == tuple(stage.line.operations) and found.report == ("skipped",)
        assert about_journal(str(corner.path)).operations == WHOLE + 101

    def test_without_the_copy_the_file_itself_must_be_as_it_was(
        self, kept: Journal, corner: Corner, tmp_path: Path
    ) -> None:
        stage, path = self.opened(tmp_path)
        kept.arm(1, str(path))
        stage.line.append(Fork(pid=1, child=2))
        kept.look(stage, 1)
        assert kept.flush(10)
        for copy in corner.path.parent.glob("*.base-*"):
            copy.unlink()
        assert len(load_any(str(corner.path)).operations) == WHOLE + 101
        path.write_text(path.read_text() + "\n")
        with pytest.raises(FormatError, match=r"changed since"):
            load_any(str(corner.path))

    def test_a_file_that_was_changed_is_no_base(self, kept: Journal, corner: Corner, tmp_path: Path) -> None:
        stage, path = self.opened(tmp_path)
        path.write_text("another file")
        kept.arm(1, str(path))
        stage.line.append(Fork(pid=1, child=2))
        kept.look(stage, 1)
        assert kept.flush(20)
        assert load_any(str(corner.path)).operations == tuple(stage.line.operations)

    def test_a_log_that_grows_costs_what_is_new(self, kept: Journal, corner: Corner) -> None:
        stage = grown(20_000)
        kept.arm(1, "")
        kept.look(stage, 1)
        assert kept.flush(20)
        size = corner.path.stat().st_size
        for n in range(10):
            stage.line.append(Mmap(pid=1, span=Span(16 * n, 16 * n + 4)))
            before = time.thread_time()
            kept.look(stage, 1)
            assert time.thread_time() - before < 0.01
            assert kept.flush(5)
        assert corner.path.stat().st_size - size < 10 * 200
        assert load_any(str(corner.path)).operations == tuple(stage.line.operations)


class TestDamage:
    def written(self, kept: Journal, corner: Corner) -> bytes:
        hand = listening(kept)
        for child in range(20, 26):
            hand.submit(Fork(pid=1, child=child))
            assert kept.flush(5)
        return corner.path.read_bytes()

    def test_torn_anywhere_it_opens_with_what_is_whole(self, kept: Journal, corner: Corner, tmp_path: Path) -> None:
        whole, torn, lengths = self.written(kept, corner), tmp_path / "torn.journal", []
        first = whole.index(b"\n", whole.index(b"\n") + 1)
        for cut in range(first + 1, len(whole), 7):
            torn.write_bytes(whole[:cut])
            found = load_any(str(torn))
            assert not found.report
            lengths.append(len(found.operations))
            assert found.position == len(found.operations), "what was done behind the last head is shown too"
        assert lengths == sorted(lengths) and lengths[0] == 8 and lengths[-1] == 13

    def test_damaged_in_the_middle_what_came_before_is_there(
        self, kept: Journal, corner: Corner, tmp_path: Path
    ) -> None:
        lines = self.written(kept, corner).splitlines(keepends=True)
        for broken in (b"\0\0\0\n", b'{"at":3,"operations":[]}\n', b"[]\n", b'{"at":8,"operations":[{"op":"?"}]}\n'):
            path = tmp_path / "x.journal"
            path.write_bytes(b"".join([*lines[:3], broken, *lines[4:]]))
            found = load_any(str(path))
            assert len(found.operations) == 8 and "damaged from line 4 on" in found.report[0]

    def test_a_long_line_that_is_torn_does_not_make_it_empty(
        self, kept: Journal, corner: Corner, tmp_path: Path
    ) -> None:
        path = tmp_path / "x.journal"
        path.write_bytes(self.written(kept, corner) + b'{"at":14,"operations":[' + b" " * (3 << 20))
        assert about_journal(str(path)).title == "log" and len(load_any(str(path)).operations) == 13
        path.write_bytes(path.read_bytes().split(b"\n")[0] + b'\n{"at":0,')
        with pytest.raises(ValueError, match="empty"):
            about_journal(str(path))

    def test_large_operations_are_cut_into_lines_that_can_be_read(self, kept: Journal, corner: Corner) -> None:
        runs = tuple((n, n + 1, "w") for n in range(100_000))
        hand = Hand(HERE, 7)
        kept.arm(1, "")
        for _ in range(3):
            hand.stage.line.append(Touch(pid=1, runs=runs))
        kept.look(hand.stage, 1)
        assert kept.flush(20) and not kept.trouble
        assert load_any(str(corner.path)).operations == tuple(hand.stage.line.operations)

    @pytest.mark.parametrize("first", [b"", b"{}\n", b'{"format":"rmapexplorer journal","version":9}\n'])
    def test_without_its_first_line_it_is_refused(
        self, first: bytes, kept: Journal, corner: Corner, tmp_path: Path
    ) -> None:
        path = tmp_path / "x.journal"
        path.write_bytes(first + b'{"head":{}}\n')
        with pytest.raises(FormatError):
            load_any(str(path))

    def test_one_that_goes_on_from_itself_is_refused(self, kept: Journal, tmp_path: Path) -> None:
        path = tmp_path / "x.journal"
        base = {"path": str(path), "operations": 0, "stamp": {"inode": 1, "size": 1, "changed": 1}}
        begin = {"format": "rmapexplorer journal", "version": 1, "title": "", "path": "", "base": base}
        path.write_text(json.dumps(begin, separators=(",", ":")) + '\n{"copy":"x.journal"}\n')
        with pytest.raises(FormatError, match="too many"):
            load_any(str(path))


class TestTrouble:
    def test_a_full_disk_is_told_and_tried_again(self, kept: Journal, corner: Corner) -> None:
        corner.fails = True
        hand = listening(kept)
        hand.submit(Fork(pid=1, child=20))
        assert kept.flush(5)
        assert "No space left" in kept.trouble and kept.trouble.endswith("save it yourself.")
        corner.fails = False
        hand.submit(Fork(pid=1, child=21))
        assert kept.flush(5) and not kept.trouble
        same(load_any(str(corner.path)), hand)

    def test_half_a_line_is_taken_back(self, kept: Journal, corner: Corner, monkeypatch: pytest.MonkeyPatch) -> None:
        hand = listening(kept)
        hand.submit(Fork(pid=1, child=20))
        assert kept.flush(5)
        real = os.write

        def full(file: int, data: memoryview) -> int:
            real(file, data[: len(data) // 2])
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(writing.os, "write", full)
            hand.submit(Fork(pid=1, child=21))
            assert kept.flush(5) and kept.trouble
        hand.submit(Fork(pid=1, child=22))
        assert kept.flush(5) and not kept.trouble
        same(load_any(str(corner.path)), hand)


def test_closing_keeps_or_drops_and_ends_the_thread(corner: Corner) -> None:
    for keep in (True, False):
        made = Journal(corner)
        hand = listening(made)
        hand.submit(Fork(pid=1, child=20))
        assert made.close(5, keep)
        assert corner.path.exists() == keep
    assert not [thread for thread in threading.enumerate() if thread.name == "journal"]

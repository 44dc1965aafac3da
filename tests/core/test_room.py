"""Memory is bounded: what does not fit stops with a sentence, and a session in a window goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from rmapexplorer.cli import main
from rmapexplorer.core import room
from rmapexplorer.core.operations import Fork, Mmap, Spawn, Touch
from rmapexplorer.core.room import ROOM, OutOfRoom, bounded
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named


def bound_to(more: int) -> int:
    return (ROOM.taken() + room.SPARE + more) >> 20


def world() -> World:
    made = World(design_named("anonmm"), Machine())
    made.apply(Spawn(pid=1))
    made.apply(Mmap(pid=1, span=Span(16, 16 + (1 << 20))))
    return made


def test_without_a_limit_everything_goes() -> None:
    ROOM.ask(1 << 60)


def test_a_touch_of_a_million_pages_is_done_where_there_is_room_only() -> None:
    touch = Touch(pid=1, runs=((16, 16 + (1 << 20), "w"),))
    with (
        bounded(bound_to(100 << 20)),
        pytest.raises(OutOfRoom, match=r"needs more memory than the [0-9,]+ MB allowed; run fewer"),
    ):
        world().apply(touch)
    with bounded(bound_to(600 << 20)):
        assert world().apply(touch).error is None


def test_forks_of_many_vmas_are_bounded() -> None:
    w = world()
    for at in range(5000):
        w.apply(Mmap(pid=1, span=Span((1 << 30) + 2 * at, (1 << 30) + 2 * at + 1)))
    with bounded(bound_to(60 << 20)) as allowed:
        with pytest.raises(OutOfRoom):
            for child in range(2, 2000):
                w.apply(Fork(pid=1, child=child))
        assert allowed.limit is not None and ROOM.taken() < allowed.limit


def test_what_a_larger_program_holds_is_not_counted() -> None:
    """A notebook or a test run with 700 MB of its own may run a command like a shell."""
    held = bytearray(700 << 20)
    held[::4096] = b"1" * len(held[::4096])
    with bounded():
        ROOM.ask(300 << 20)
        with pytest.raises(OutOfRoom):
            ROOM.ask(600 << 20)
    assert len(held) == 700 << 20


def test_a_large_file_may_have_more() -> None:
    with bounded(500) as allowed:
        allowed.for_file(10 << 20)
        assert allowed.limit == 500 << 20
        allowed.for_file(12 << 20)
        assert allowed.limit == (500 + 2 * 32) << 20 or allowed.limit < ROOM.taken() + (64 << 20)
        allowed.for_file(10)
        assert allowed.limit == 500 << 20
    assert ROOM.limit is None


@pytest.mark.parametrize("words", [["run"], ["compare"], ["export", "--html", "/dev/null"]])
def test_a_command_stops_with_a_sentence(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(room.VARIABLE, "190")
    path = tmp_path / "x.rmaps"
    path.write_text("# rmapexplorer script\nspawn 1\nmmap 1 1048576 pages at a10 rw\ntouch 1 a10-a100010 w\n")
    assert main([words[0], str(path), *words[1:]]) == 3
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "needs more memory than" in said and "RMAPEXPLORER_MEMORY" in said

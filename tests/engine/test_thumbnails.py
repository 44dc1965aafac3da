"""What a scenario looks like: its end, or where it had most vmas; told one by one."""

from __future__ import annotations

import pytest

from rmapexplorer.core.operations import Exit, Mmap, Spawn
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.engine.thumbnails import Thumbnail, frame_of, run_thumbnails
from rmapexplorer.formats.session import Session

OPERATIONS = (
    Spawn(pid=1, comm="server"),
    Mmap(pid=1, span=Span(0x100, 0x110)),
    Mmap(pid=1, span=Span(0x200, 0x210)),
    Exit(pid=1),
)


@pytest.mark.parametrize(("position", "vmas"), [(2, 1), (3, 2), (4, 2)])
def test_the_end_or_where_there_was_most_to_see(position: int, vmas: int) -> None:
    session = Session(title="x", machine=Machine(), operations=OPERATIONS, position=position, designs=(("anonmm", {}),))
    frame = frame_of(session)
    assert len(frame.vmas.start) == vmas
    assert frame.view == "anonmm"


def test_scenarios_are_told_in_order() -> None:
    told: list[object] = []
    names = ["scenarios/w4-fork-server.rmap", "scenarios/claims/C01.rmap"]
    run_thumbnails(told.append, names)
    assert [one.name for one in told if isinstance(one, Thumbnail)] == names
    first = told[0]
    assert isinstance(first, Thumbnail) and first.frame is not None
    assert len(first.frame.tasks.pid) == 13

"""Between sessions as files hold them and the stage that runs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
from attrs import frozen

from rmapexplorer.core.units import Machine
from rmapexplorer.engine.frames import KernelDifference
from rmapexplorer.engine.lanes import Lane
from rmapexplorer.engine.lens import Designs
from rmapexplorer.engine.stage import Stage
from rmapexplorer.engine.timeline import grown

Recorded = Callable[[str, Machine, int], tuple[KernelDifference, ...]]
"""(design, machine, position) -> where that design differs there from what a kernel was recorded to have."""

LaneMaker = Callable[[Designs, Any], list[Lane]]


@frozen(kw_only=True)
class Files:
    """How sessions are read and written: the functions of rmapexplorer.formats."""

    read: Callable[[str, Callable[[int, int], None], Callable[[], bool]], Any]
    """(path, progress, cancelled) -> Session; FormatError, Cancelled."""
    write: Callable[[Any, str], None]
    """(session, path), atomically; FormatError."""
    recorded: Callable[[Any], Recorded | None] = lambda session: None
    """What a kernel was recorded to have while it did the session; None: nothing was."""


def stage_of(session: Any, lanes: LaneMaker) -> tuple[Stage, int]:
    """The stage of a session, nothing run yet, and the position to go to. ValueError: its log contradicts itself."""
    line = grown(session.operations, session.parents, session.branches or None, session.branch)
    stage = Stage(
        line=line,
        lanes=lanes(session.designs, session.machine),
        machine=session.machine,
        title=session.title,
        path=session.path,
        report=tuple(session.report or ()),
        session=session,
        selection=tuple(session.selection) if session.selection else (0, -1),
    )
    stage.view = session.view
    stage.view = stage.shown.kind.key
    return stage, session.position


def session_of(stage: Stage) -> Any:
    """The session to write: what it was made from, with everything that happened since."""
    line = stage.line
    return attrs.evolve(
        stage.session,
        title=stage.title,
        machine=stage.machine,
        designs=tuple((lane.kind.key.split(":")[0], dict(lane.kind.options)) for lane in stage.lanes),
        operations=tuple(line.operations),
        parents=tuple(line.parents),
        position=line.cursor,
        branches=dict(line.branches),
        branch=line.branch,
        selection=stage.selection if stage.selection[0] else None,
        view=stage.view,
    )

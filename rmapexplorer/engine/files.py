"""Between sessions as files hold them and the stage that runs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
from attrs import frozen

from rmapexplorer.engine.lanes import Lane
from rmapexplorer.engine.lens import Designs
from rmapexplorer.engine.stage import Stage
from rmapexplorer.engine.timeline import grown

LaneMaker = Callable[[Designs, Any], list[Lane]]


@frozen(kw_only=True)
class Files:
    """How sessions are read and written: the functions of rmapexplorer.formats."""

    read: Callable[[str, Callable[[int, int], None], Callable[[], bool]], Any]
    """(path, progress, cancelled) -> Session; FormatError, Cancelled."""
    write: Callable[[Any, str], None]
    """(session, path), atomically; FormatError."""


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
        designs=tuple((lane.kind.key.split(":")[0], dict(lane.kind.options)) for lane in stage.lanes),
        operations=tuple(line.operations),
        parents=tuple(line.parents),
        position=line.cursor,
        branches=dict(line.branches),
        branch=line.branch,
        selection=stage.selection if stage.selection[0] else None,
        view=stage.view,
    )

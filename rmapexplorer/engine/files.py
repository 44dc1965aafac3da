"""Between sessions as files hold them and the stage that runs them."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Protocol

import attrs
from attrs import frozen

from rmapexplorer.core.places import is_drawing
from rmapexplorer.core.units import Machine
from rmapexplorer.engine.bookmarks import marks_of, nodes_of
from rmapexplorer.engine.frames import Detail, Ints, KernelDifference, SessionOpened
from rmapexplorer.engine.lanes import Lane
from rmapexplorer.engine.lens import Designs
from rmapexplorer.engine.stage import Stage
from rmapexplorer.engine.timeline import grown
from rmapexplorer.formats.errors import Asked, Progress
from rmapexplorer.formats.journal import Base, Head
from rmapexplorer.formats.outline import Note
from rmapexplorer.formats.stamp import stamp_of


class Recorded(Protocol):
    """What a kernel was recorded to hold after each operation, and where a design of ours differs; compared step by step."""

    length: int
    """Operations of the log that were recorded, from its first on."""

    def advance(self, design: str, machine: Machine) -> int | None:
        """Compare one more position, in order; it, or None where all were."""
        ...

    def at(self, design: str, machine: Machine, position: int) -> tuple[KernelDifference, ...] | None:
        """What differs after ``position`` operations; None: not compared yet."""
        ...

    def steps(self, design: str, machine: Machine) -> Ints:
        """Number of differences after operation 1, 2 ..., as far as compared; read-only."""
        ...

    def beside(self, design: str, machine: Machine, position: int, detail: Detail) -> Detail:
        """The detail with the kernel's values beside ours; as it is where the position was not compared yet."""
        ...


LaneMaker = Callable[[Designs, Any], list[Lane]]


@frozen(kw_only=True)
class Files:
    """How sessions are read and written: the functions of rmapexplorer.formats."""

    read: Callable[[str, Callable[[int, int], None], Callable[[], bool]], Any]
    """(path, progress, cancelled) -> Session; FormatError, Cancelled."""
    write: Callable[[Any, str], Generator[None, None, None]]
    """(session, path), a piece at each step; at the end it is in its place. Closed before, nothing changed. FormatError."""
    recorded: Callable[[Any], Recorded | None] = lambda session: None
    """What a kernel was recorded to have while it did the session; None: nothing was."""


def read_based(files: Files, path: str, progress: Progress, cancelled: Asked) -> tuple[Any, Base | None]:
    """The session in the file, and which file that was; None for a file that was changed meanwhile."""
    before = stamp_of(path)
    session = files.read(path, progress, cancelled)
    same = before is not None and stamp_of(path) == before
    return session, Base(path=path, stamp=before, operations=len(session.operations)) if same and before else None


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
        bookmarks=nodes_of(line, session.notes),
    )
    stage.view = session.view
    stage.view = stage.shown.kind.key
    return stage, session.position


def opened(stage: Stage, generation: int, revision: int) -> SessionOpened:
    """What the window is told of a session that begins."""
    return SessionOpened(
        generation=generation, title=stage.title, path=stage.path, operations=stage.line.head, report=stage.report,
        selection=stage.selection if stage.selection[0] else None,
        siblings=getattr(stage.session, "siblings", ()), drawing=is_drawing(stage.line.operations), revision=revision,
    )  # fmt: skip


def head_of(stage: Stage) -> Head:
    """What a journal has to know of the session beside its operations; cheap enough for every turn."""
    line = stage.line
    return Head(
        title=stage.title,
        machine=stage.machine,
        designs=tuple((lane.kind.key.split(":")[0], dict(lane.kind.options)) for lane in stage.lanes),
        view=stage.view,
        branch=line.branch,
        branches=tuple(line.branches.items()),
        position=line.cursor,
        selection=stage.selection if stage.selection[0] else None,
        marks=tuple(stage.bookmarks),
    )


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
        notes=tuple(Note(mark.position, mark.text, mark.branch) for mark in marks_of(line, stage.bookmarks)),
    )

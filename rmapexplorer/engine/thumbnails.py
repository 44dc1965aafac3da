"""What a scenario looks like: its processes and vmas as a frame, for a picture of its memory map."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import frozen

from rmapexplorer.core.operations import Operation
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named, world_key
from rmapexplorer.engine.frames import Frame
from rmapexplorer.engine.snapshot import columns
from rmapexplorer.formats.open import load_any
from rmapexplorer.formats.session import Session
from rmapexplorer.resources import resource


@frozen
class Thumbnail:
    """The frame of one scenario, ``name`` below resources; ``trouble`` is a sentence where it cannot be shown."""

    name: str
    frame: Frame | None
    trouble: str = ""


def run_thumbnails(tell: Callable[[object], None], names: Sequence[str]) -> None:
    """One Thumbnail for each scenario, in this order. :raises FormatError: a file is damaged."""
    for name in names:
        tell(Thumbnail(name, frame_of(load_any(str(resource(name))))))


def frame_of(session: Session) -> Frame:
    """The end of the scenario, or where it had most vmas if hardly any are left at the end."""
    operations = session.operations[: session.position]
    counts: list[int] = []
    world = _run(session, operations, counts)
    if counts and counts[-1] * 2 < max(counts):
        operations = operations[: counts.index(max(counts)) + 1]
        world = _run(session, operations, [])
    shown = columns(world, None)
    return Frame(
        generation=0, serial=0, position=len(operations), head=len(session.operations), op_text="", view=_view(session),
        designs=(), tasks=shown.tasks, vmas=shown.vmas, files=shown.files, labels=shown.labels,
    )  # fmt: skip


def _view(session: Session) -> str:
    keys = [world_key(key, options) for key, options in session.designs]
    return session.view if session.view in keys else keys[-1]


def _run(session: Session, operations: Sequence[Operation], counts: list[int]) -> World:
    # one world, and the number of vmas after each operation
    world = World(design_named(_view(session)), session.machine)
    for op in operations:
        world.apply(op)
        counts.append(sum(len(mm.vmas) for mm in world.mms.values()))
    return world

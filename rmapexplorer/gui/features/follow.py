"""The selection follows what happens: where it does not exist at a position the operation's own subject is shown instead.

What the user selected comes back as soon as it exists again; what an operation of the user made is selected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rmapexplorer.core.operations import Brk, Fork, Mmap, Mremap, Operation, Spawn, Touch
from rmapexplorer.engine.frames import Frame, SessionOpened
from rmapexplorer.gui import targets
from rmapexplorer.gui.features.base import Feature

if TYPE_CHECKING:
    from rmapexplorer.gui.window import MainWindow

Place = tuple[int, int]
"""(pid, page number); -1: the process alone."""


class Follow(Feature):
    """Moves the selection with the frames, and remembers what the user had selected."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.wanted: Place | None = None
        """What the user selected, while it does not exist; None while it does."""
        self._made: list[Operation] = []
        self._before = 0
        window.selection.changed.connect(self._selected)
        window.submitted.connect(self._submitted)

    def told(self, message: Any) -> None:
        """Another session has another selection."""
        if isinstance(message, SessionOpened):
            self.wanted, self._made = None, []

    def _selected(self, pid: int, vpn: int) -> None:
        if not self.window.selection.following:
            self.wanted = None

    def _submitted(self, ops: list[Operation]) -> None:
        self._made, self._before = list(ops), self.window.position

    def set_frame(self, frame: Frame) -> None:
        """Look whether what is selected is there."""
        if frame.busy:
            return
        selection = self.window.selection
        if self._made and frame.position >= self._before + len(self._made):
            self._made = []
            made = made_by(frame, (selection.pid, selection.vpn))
            if made is not None:
                selection.select(*made)
                return
        wanted = self.wanted or (selection.pid, selection.vpn)
        if wanted[0] == 0:
            return
        if exists(frame, wanted):
            self._move(wanted)
            self.wanted = None
        else:
            self._move(subject(frame, wanted))
            self.wanted = wanted

    def _move(self, place: Place) -> None:
        self.window.selection.follow(*place)


def exists(frame: Frame, place: Place) -> bool:
    """Whether the process lives and, if a page is meant, has a vma there."""
    pid, vpn = place
    return targets.alive(frame, pid) and (vpn < 0 or targets.vma_at(frame, pid, vpn) is not None)


def subject(frame: Frame, wanted: Place) -> Place:
    """What the operation at the frame's position is about, as far as it is there; else the richest place there is."""
    places = _places(frame.op)
    if isinstance(frame.op, Fork):
        places = [(frame.op.child, wanted[1]), *_largest(frame, frame.op.child)]
    found = next((place for place in places if place[0] and exists(frame, place)), None)
    if found is not None:
        return found
    return targets.interesting(frame) if len(frame.tasks.pid) else wanted


def _places(op: Operation | None) -> list[Place]:
    if isinstance(op, Touch) and op.runs:
        return [(op.pid, op.runs[0][0])]
    if isinstance(op, Mremap) and op.to is not None:
        return [(op.pid, op.to), (op.pid, op.span.start)]
    if isinstance(op, Brk):
        return [(op.pid, op.end - 1)]
    span, pid = getattr(op, "span", None), getattr(op, "pid", 0)
    return [(pid, span.start)] if span is not None else []


def _largest(frame: Frame, pid: int) -> list[Place]:
    rows = (frame.tasks.pid == pid).nonzero()[0]
    if not len(rows):
        return []
    low, high = int(frame.vmas.first[rows[0]]), int(frame.vmas.first[rows[0] + 1])
    if low == high:
        return [(pid, -1)]
    return [(pid, int(frame.vmas.start[low + int(frame.vmas.anon_pages[low:high].argmax())]))]


def made_by(frame: Frame, selected: Place) -> Place | None:
    """The place that the operation just made or moved; None where it made none, or was refused."""
    op = frame.op
    if isinstance(op, Mmap):
        place = (op.pid, op.span.start)
    elif isinstance(op, Mremap) and op.to is not None and selected[0] == op.pid and selected[1] in op.span:
        place = (op.pid, op.to + min(selected[1] - op.span.start, max(op.new_pages - 1, 0)))
    elif isinstance(op, Spawn):
        place = (op.pid, -1)
    else:
        return None
    return place if exists(frame, place) and not _refused(frame) else None


def _refused(frame: Frame) -> bool:
    outcome = next((state.outcome for state in frame.designs if state.key == frame.view), None)
    return outcome is not None and outcome.error is not None

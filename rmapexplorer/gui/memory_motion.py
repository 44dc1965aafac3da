"""Motion in the memory map: one float from 0 to 1 that paintings read; the state shown is right before it starts.

A process slides out from under its parent, a moved vma slides along the axis, a copied page lifts off and lands.
"""

from __future__ import annotations

import numpy as np
from attrs import frozen
from PySide6.QtCore import QEasingCurve, QObject, QVariantAnimation, Signal

from rmapexplorer.core.operations import Clone, Fork, Mremap, Touch
from rmapexplorer.core.units import Span
from rmapexplorer.engine.frames import Frame

SLIDE_MS, FORK_MS, COPY_MS = 320, 220, 380
"""None lasts longer than 400 ms."""


@frozen(kw_only=True)
class Move:
    """What moves. ``kind``: "slide" (mremap), "fork" or "copy" (a write fault that copied)."""

    kind: str
    pid: int
    ppid: int = 0
    old: Span = Span(0, 0)
    new: Span = Span(0, 0)
    millis: int = SLIDE_MS


def between(before: Frame | None, after: Frame) -> Move | None:
    """What moves from one frame to the next; None where they are not one operation apart, forwards, at rest."""
    if before is None or before.generation != after.generation or before.view != after.view or after.busy:
        return None
    if after.position != before.position + 1:
        return None
    shown = next((design for design in after.designs if design.key == after.view), None)
    outcome = shown.outcome if shown is not None else None
    if outcome is None or not outcome.ok:
        return None
    match after.op:
        case Mremap() if after.op.to is not None and after.op.to >= 0:
            pages = min(after.op.span.pages, after.op.new_pages)
            new = Span(after.op.to, after.op.to + pages)
            return Move(
                kind="slide", pid=after.op.pid, old=Span(after.op.span.start, after.op.span.start + pages), new=new
            )
        case Fork() | Clone():
            return Move(kind="fork", pid=after.op.child, ppid=after.op.pid, millis=FORK_MS)
        case Touch() if outcome.deltas.get("copied_by_write") and after.op.runs:
            start, end, _ = after.op.runs[0]
            return Move(
                kind="copy", pid=after.op.pid, ppid=_parent(after, after.op.pid), new=Span(start, end), millis=COPY_MS
            )
    return None


def _parent(frame: Frame, pid: int) -> int:
    at = np.flatnonzero(frame.tasks.pid == pid)
    return int(frame.tasks.ppid[at[0]]) if len(at) else 0


class Motion(QObject):
    """At most one move at a time. ``wanted`` False (reduced motion): nothing ever moves."""

    moved = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.wanted = False
        self.move: Move | None = None
        self.part = 1.0
        self._animation = QVariantAnimation(self)
        self._animation.setStartValue(0.0)
        self._animation.setEndValue(1.0)
        self._animation.setEasingCurve(QEasingCurve.Type.InOutCubic)
        self._animation.valueChanged.connect(self._advance)
        self._animation.finished.connect(self.end)

    def begin(self, before: Frame | None, after: Frame) -> None:
        """Start what moves between two frames; a frame at another position ends what was under way."""
        move = between(before, after) if self.wanted else None
        if move is None:
            if before is not None and before.position != after.position:
                self.end()
            return
        self._animation.stop()
        self.move, self.part = move, 0.0
        self._animation.setDuration(move.millis)
        self._animation.start()

    def end(self) -> None:
        """Be there now."""
        if self.move is not None:
            self.move, self.part = None, 1.0
            self._animation.stop()
            self.moved.emit()

    def _advance(self, part: float) -> None:
        self.part = float(part)
        self.moved.emit()

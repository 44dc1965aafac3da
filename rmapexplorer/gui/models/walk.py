"""The steps of a walk, revealed one by one: a pure counter and a list model over them."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from PySide6.QtCore import QObject

from rmapexplorer.engine.frames import WalkDetail, WalkStep
from rmapexplorer.gui import places
from rmapexplorer.gui.models.base import DRAW, STATE, Column, Role, TableModel, plural

MOST = 500
"""Steps listed at most; the figures below the list are of the whole walk."""


@frozen(kw_only=True)
class Tally:
    """What the revealed part of a walk has cost and found."""

    vmas: int = 0
    probes: int = 0
    hits: int = 0
    missed: int = 0
    """Ptes that map the page and that the walk did not find; known when it is over."""
    left: int = 0

    def sentence(self) -> str:
        """``3 vmas visited · 3 ptes probed · 3 hits · 0 missed``."""
        end = f"{self.left:,} to go" if self.left else f"{self.missed:,} missed"
        figures = (
            plural(self.vmas, "vma") + " visited",
            plural(self.probes, "pte") + " probed",
            plural(self.hits, "hit"),
        )
        return " · ".join((*figures, end))


def tally(walk: WalkDetail, revealed: int) -> Tally:
    """Figures of the first ``revealed`` steps; with all revealed those of the walk itself."""
    left = max(len(walk.steps) - revealed, 0)
    if not left:
        visited = max(walk.probes, len(walk.steps))
        return Tally(vmas=visited, probes=walk.probes, hits=walk.hits, missed=walk.missed)
    hits = sum(step.hit for step in walk.steps[:revealed])
    return Tally(vmas=revealed, probes=revealed, hits=hits, left=left)


def lost(walk: WalkDetail) -> tuple[tuple[int, int], ...]:
    """(pid, page number) of the ptes that map the page and that no step finds."""
    found = {(step.pid, step.vpn) for step in walk.steps if step.hit}
    return tuple(spot for spot in walk.spots if spot not in found)


def step_line(number: int, step: WalkStep) -> str:
    """One step as a line of text."""
    where = places.shown().span(step.start, step.end) if step.start >= 0 else "no vma"
    mark = "✓ hit" if step.hit else "✗ miss"
    return f"{number}  {step.comm} {step.pid}  {where}  {places.shown().page(step.vpn)}  {mark}{'  ' + step.note if step.note else ''}"


def who(step: WalkStep, letters: int = 0) -> str:
    """Name and pid in at most about ``letters`` letters (0: all), of which the name gives way."""
    room = letters - len(str(step.pid)) - 1
    if not letters or len(step.comm) <= room:
        return f"{step.comm} {step.pid}"
    return f"{step.comm[: room - 1]}… {step.pid}" if room > 1 else str(step.pid)


class WalkModel(TableModel):
    """The revealed steps, at most MOST of them."""

    COLUMNS = (
        Column(key="number", title="#", sample="000", right=True, mono=True),
        Column(key="task", title="task", sample="worker 00", least="redis", stretch=True),
        Column(key="span", title="vma", sample="aaaa-aaaa", mono=True, whole=True),
        Column(key="vpn", title="page", sample="aaaa", right=True, mono=True, rank=1, whole=True),
        Column(key="hit", title="", sample="✗ miss", right=True, whole=True),
    )

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.walk: WalkDetail | None = None
        self.revealed = 0
        self.letters = 0
        """Where room is short: the letters there are for name and pid, of which the name gives way; 0 where it is not."""

    def count(self) -> int:
        """Steps shown."""
        return min(self.revealed, len(self.steps), MOST)

    @property
    def steps(self) -> tuple[WalkStep, ...]:
        """All steps there are."""
        return self.walk.steps if self.walk is not None else ()

    def set_walk(self, walk: WalkDetail | None, revealed: int) -> None:
        """Another walk, ``revealed`` steps of it shown."""
        self.beginResetModel()
        self.walk, self.revealed = walk, revealed
        self.endResetModel()

    def reveal(self, revealed: int) -> None:
        """Show this many steps."""
        before = self.count()
        target = min(revealed, len(self.steps), MOST)
        if target > before:
            self.beginInsertRows(self.index(-1, -1), before, target - 1)
            self.revealed = revealed
            self.endInsertRows()
        elif target < before:
            self.set_walk(self.walk, revealed)
        else:
            self.revealed = revealed
        self.touch_rows(0, self.count() - 1)

    def cell(self, row: int, column: int, role: int) -> Any:
        """One step in one column."""
        step, key = self.steps[row], self.COLUMNS[column].key
        if role == Role.DisplayRole:
            return self._text(row, step, key)
        if role in (Role.ToolTipRole, Role.AccessibleTextRole):
            return step_line(row + 1, step) + f"\n{plural(step.nodes, 'node')} visited so far"
        if role == STATE:
            return "current" if row == self.revealed - 1 < len(self.steps) - 1 else ""
        if role == DRAW:
            return step.hit
        if role == Role.ForegroundRole:
            if key == "hit":
                return self.tone("good" if step.hit else "dim")
            return self.tone("dim" if key in ("number", "vpn") or not step.hit else "text")
        return None

    def _text(self, row: int, step: WalkStep, key: str) -> str:
        return {
            "number": str(row + 1),
            "task": who(step, self.letters),
            "span": places.shown().span(step.start, step.end) if step.start >= 0 else "–",
            "vpn": places.shown().at(step.vpn),
            "hit": ("✓" if step.hit else "✗") if self.letters else "✓ hit" if step.hit else "✗ miss",
        }[key]

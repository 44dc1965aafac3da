"""What a painting of the memory map depends on, in one place, and the arithmetic between rows, vmas and pixels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from attrs import define, field, frozen
from PySide6.QtGui import QColor, QFont, QFontMetricsF

from rmapexplorer.engine.frames import Frame
from rmapexplorer.gui import memory_geometry as geo
from rmapexplorer.gui.panel import scaled
from rmapexplorer.gui.theme import Theme, mono

if TYPE_CHECKING:
    from rmapexplorer.gui.memory_drag import Live


@define(kw_only=True)
class Fonts:
    """The faces of the map and their metrics, made once a font change."""

    row: QFont
    strong: QFont
    box: QFont
    small: QFont
    mono: QFont
    box_metrics: QFontMetricsF = field(init=False)
    mono_metrics: QFontMetricsF = field(init=False)
    row_metrics: QFontMetricsF = field(init=False)
    _wide: dict[str, float] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.box_metrics, self.mono_metrics = QFontMetricsF(self.box), QFontMetricsF(self.mono)
        self.row_metrics = QFontMetricsF(self.row)

    def wide(self, word: str) -> float:
        """Width of a word in a box, measured once."""
        if len(self._wide) > 5000:
            self._wide.clear()
        if word not in self._wide:
            self._wide[word] = self.box_metrics.horizontalAdvance(word)
        return self._wide[word]

    @classmethod
    def of(cls, base: QFont) -> Fonts:
        """The faces that go with ``base``."""
        small = scaled(base, 0.86)
        return cls(
            row=QFont(base),
            strong=scaled(base, 1.0, bold=True),
            box=scaled(base, 0.86, bold=True),
            small=small,
            mono=mono(small.pointSizeF() if small.pointSizeF() > 0 else None),
        )


@frozen
class Visit:
    """A candidate of the walk: its vma, whether the page is mapped there, whether the walk stands there now."""

    vma: int
    hit: bool
    now: bool


@define(kw_only=True)
class Scene:
    """All that a painting depends on. Pixels are device independent; x 0 is the left end of the strips."""

    frame: Frame
    theme: Theme
    fonts: Fonts
    axis: geo.Axis
    rows: geo.Rows
    window: geo.Window
    mode: str = "anon_vma"
    gutter: float = 120.0
    """Room for the names, left of the strips."""
    top: float = 36.0
    pitch: float = 34.0
    scroll: float = 0.0
    height: float = 200.0
    ratio: float = 1.0
    task: int = -1
    """Row of TaskRows that is selected, -1 none."""
    vpn: int = -1
    hover: tuple[int, int] | None = None
    """(row, vma) under the mouse."""
    span: tuple[int, int, int] | None = None
    """(task, first page, last page + 1) being marked."""
    spots: dict[int, list[int]] = field(factory=dict)
    """Row -> page numbers at which the selected page is mapped there."""
    visited: dict[int, list[Visit]] = field(factory=dict)
    """Row -> candidates there that the walk has visited so far."""
    caption: str = ""
    unfolded: frozenset[int] = frozenset()
    """First processes of the groups shown in full."""
    present: tuple[object, str, frozenset[int]] = (None, "", frozenset())
    """(frame, mode, classes that occur in it): what the legend names, kept from painting to painting."""
    live: Live | None = None
    """A drag under way, with its verdict."""

    @property
    def box_height(self) -> float:
        """Height of a vma's box."""
        return min(max(22.0, self.pitch * 0.6), self.pitch - 8.0)

    def y(self, row: int) -> float:
        """Top of the boxes of ``row``."""
        return self.top + row * self.pitch - self.scroll + (self.pitch - self.box_height) / 2

    def visible(self) -> range:
        """Rows that show, if only in part."""
        low = int(max(0.0, self.scroll) // self.pitch)
        high = math.ceil((self.scroll + self.height - self.top) / self.pitch)
        return range(low, min(len(self.rows), max(low, high)))

    def vmas(self, task: int) -> slice:
        """The vmas of a row of TaskRows."""
        first = self.frame.vmas.first
        return slice(int(first[task]), int(first[task + 1]))

    def vma_at(self, task: int, vpn: int) -> int:
        """The vma of ``task`` that holds page ``vpn``; -1 for none."""
        mine = self.vmas(task)
        i = mine.start + int(np.searchsorted(self.frame.vmas.start[mine], vpn, side="right")) - 1
        return i if i >= mine.start and vpn < self.frame.vmas.end[i] else -1

    def edges(self, start: np.ndarray | int, end: np.ndarray | int) -> tuple[np.ndarray, np.ndarray]:
        """Left and right pixels of spans of page numbers."""
        a, b = self.window.x(self.axis.unit(start)), self.window.x(self.axis.unit(end))
        return (b, a) if self.window.flipped else (a, b)

    def shown(self, task: int) -> slice:
        """The vmas of ``task`` that reach into the window."""
        mine, vmas = self.vmas(task), self.frame.vmas
        low, high = sorted(self.axis.page(self.window.unit(x)) for x in (0.0, self.window.width))
        i = int(np.searchsorted(vmas.end[mine], low, side="right"))
        j = int(np.searchsorted(vmas.start[mine], high, side="right"))
        return slice(mine.start + i, mine.start + max(i, j))

    def color(self, token: str) -> QColor:
        """A token, or ``fam:N``."""
        return self.theme.family(int(token[4:])) if token.startswith("fam:") else self.theme.color(token)

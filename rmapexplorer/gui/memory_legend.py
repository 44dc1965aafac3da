"""The legend below the memory map: a sample and a word for each sign that occurs, the whole list as its tool tip."""

from __future__ import annotations

from html import escape

import numpy as np
from attrs import frozen
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from rmapexplorer.engine.frames import Frame
from rmapexplorer.engine.page_runs import COPIED, OWN, SHARED, STATES, SWAPPED
from rmapexplorer.gui import memory_geometry as geo
from rmapexplorer.gui.memory_paint_live import faded
from rmapexplorer.gui.memory_style import PAGE_TOKENS
from rmapexplorer.gui.owner_words import owner_kind, owner_word
from rmapexplorer.gui.panel import scaled
from rmapexplorer.gui.theme import Theme

SAMPLE = 15.0
"""Width of a sample, in device-independent pixels."""
APART = 13.0
"""Room between two entries."""
MOST_SEARCHED = 200_000
"""Frames with more vmas are not searched for signs that vmas have."""


@frozen
class Sign:
    """One entry: its key, its word, and what it means in a sentence."""

    key: str
    word: str
    meaning: str


SIGNS = (
    Sign("own", "own page", "A page in memory that this process alone maps."),
    Sign("shared", "shared", "The same page in memory is mapped by other processes too, as after a fork: drawn faded."),
    Sign("copied", "copied", "A page of its own made as a copy, mostly by a write to a shared page (copy on write): a line above."),
    Sign("swapped", "in swap", "The page was written to swap, its frame was given to others: hatched."),
    Sign("absent", "not there", "Mapped but never touched, or given back: there is no page."),
    Sign("mark", "selected page", "Wherever the selected page is mapped: a yellow bar in each process."),
    Sign("from", "moved from here",
         "The empty place that mremap moved a vma away from: the pages still count their index from here."),
    Sign("owner", "A0, A1", "Number of the object that pages and vmas hang on, from which the kernel finds all who map a page."),
)  # fmt: skip
"""All signs, the most telling first."""


def occurring(frame: Frame, marked: bool) -> list[Sign]:
    """The signs that the map of ``frame`` has; ``marked``: a page is selected."""
    v, found = frame.vmas, set[str]()
    if v.pages is not None:
        counts = np.bincount(v.pages.state, minlength=STATES)
        keys = {OWN: "own", SHARED: "shared", COPIED: "copied", SWAPPED: "swapped"}
        found |= {key for state, key in keys.items() if counts[state]}
        if len(v.start) and int((v.end - v.start).sum()) > int(v.pages.before[:, -1].sum()):
            found.add("absent")
    if marked:
        found.add("mark")
    if len(v.start) <= MOST_SEARCHED:
        if bool(geo.moved(v.start, v.pgoff, v.flags, v.file).any()):
            found.add("from")
        if bool((v.anon >= 0).any()):
            found.add("owner")
    return [sign for sign in SIGNS if sign.key in found]


def color_of(theme: Theme, token: str) -> QColor:
    """A token, or ``fam:N``."""
    return theme.family(int(token[4:])) if token.startswith("fam:") else theme.color(token)


class Legend(QWidget):
    """One line; entries for which there is no room are in the tool tip only, and so is ``hint`` where it does not fit."""

    def __init__(self, hint: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.hint = hint
        self.signs: list[Sign] = []
        self.mode = "anon_vma"
        self._words = ("A0, A1", "owner")
        self._theme: Theme | None = None
        self.setFont(scaled(self.font(), 0.92))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setObjectName("legend")
        self._tell()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._theme = theme
        self.update()

    def set_mode(self, mode: str) -> None:
        """The samples in the colours of one of memory_style.MODES."""
        self.mode = mode
        self.update()

    def set_signs(self, signs: list[Sign], view: str = "") -> None:
        """Show these; under the design ``view`` the objects that vmas hang on have their name."""
        words = (f"{owner_word(view, 0)}, {owner_word(view, 1)}", owner_kind(view)) if view else self._words
        if (signs, words) != (self.signs, self._words):
            self.signs, self._words = signs, words
            self._tell()
            self.update()

    def _tell(self) -> None:
        lines = [
            f"<b>{escape(self._words[0] if sign.key == 'owner' else sign.word)}</b>: {escape(sign.meaning)}"
            for sign in self.signs
        ]
        self.setToolTip("<br>".join([*lines, escape(self.hint)]))
        self.setAccessibleName("Legend: " + ", ".join(sign.word for sign in self.signs))

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """One line."""
        return QSize(240, self.fontMetrics().height() + 2)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Any width."""
        return QSize(40, self.sizeHint().height())

    def places(self) -> list[tuple[Sign, float]]:
        """The entries there is room for, with their left pixels."""
        metrics, x, found = QFontMetricsF(self.font()), 0.0, []
        for sign in self.signs:
            wide = self._sample_width(sign, metrics) + 5 + metrics.horizontalAdvance(self._word(sign))
            if x + wide <= self.width():
                found.append((sign, x))
                x += wide + APART
        return found

    def _word(self, sign: Sign) -> str:
        return self._words[1] if sign.key == "owner" else sign.word

    def _sample_width(self, sign: Sign, metrics: QFontMetricsF) -> float:
        return metrics.horizontalAdvance(self._words[0]) + 6 if sign.key == "owner" else SAMPLE

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Samples, words, and the hint where it fits."""
        theme = self._theme
        if theme is None:
            return
        p, metrics = QPainter(self), QFontMetricsF(self.font())
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        base, right = (self.height() + metrics.ascent() - metrics.descent()) / 2, 0.0
        for sign, x in self.places():
            wide = self._sample_width(sign, metrics)
            size = round(metrics.ascent()) - 1
            self._sample(p, theme, sign, QRectF(x + 0.5, base - size + 1.5, wide - 1, size - 1))
            p.setPen(theme.color("dim"))
            p.drawText(QPointF(x + wide + 5, base), self._word(sign))
            right = x + wide + 5 + metrics.horizontalAdvance(self._word(sign)) + 2 * APART
        room = self.width() - metrics.horizontalAdvance(self.hint)
        if right <= room:
            p.setPen(theme.color("faint"))
            p.drawText(QPointF(room, base), self.hint)
        p.end()

    def _sample(self, p: QPainter, theme: Theme, sign: Sign, box: QRectF) -> None:
        panel = theme.color("panel")
        state = {"own": OWN, "shared": SHARED, "copied": COPIED, "swapped": SWAPPED}.get(sign.key, -1)
        token = PAGE_TOKENS.get(self.mode, {}).get(state, "")
        color = color_of(theme, token) if token else theme.family(0)
        p.setPen(Qt.PenStyle.NoPen)
        if sign.key == "owner":
            p.setPen(theme.color("text"))
            p.drawText(box, Qt.AlignmentFlag.AlignCenter, self._words[0])
            return
        if sign.key == "mark":
            p.setBrush(theme.color("warn"))
            p.drawRect(QRectF(box.center().x() - 1.5, box.y() - 1, 3, box.height() + 2))
            return
        strength = {"shared": 1.0 if token else 0.5, "absent": 0.14, "from": 0.0}.get(sign.key, 1.0)
        p.setBrush(faded(color, strength))
        p.drawRect(box)
        if sign.key == "swapped":
            p.setBrush(QBrush(faded(panel, 0.6), Qt.BrushStyle.BDiagPattern))
            p.drawRect(box)
        if sign.key == "copied":
            p.fillRect(QRectF(box.x(), box.y() - 1, box.width(), 3), theme.color("text"))
        if sign.key == "from":
            p.setBrush(QBrush(faded(color, 0.45), Qt.BrushStyle.BDiagPattern))
            pen = QPen(color, 1)
            pen.setDashPattern([2.5, 1.8])
            p.setPen(pen)
            p.drawRect(box)
        if sign.key == "absent":
            p.setBrush(Qt.BrushStyle.NoBrush)
            p.setPen(QPen(faded(color, 0.6), 1))
            p.drawRect(box)

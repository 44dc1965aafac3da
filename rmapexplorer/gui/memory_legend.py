"""The legend below the memory map: a sample and a word for each sign that occurs, the whole list as its tool tip."""

from __future__ import annotations

from html import escape

import numpy as np
from attrs import frozen
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from rmapexplorer.engine.frames import Frame, VmaRows
from rmapexplorer.engine.page_runs import COPIED, OWN, SHARED, STATES, SWAPPED
from rmapexplorer.gui import memory_geometry as geo
from rmapexplorer.gui.memory_paint_live import faded
from rmapexplorer.gui.memory_scene import Scene
from rmapexplorer.gui.memory_style import CLASSES, PAGE_TOKENS, classes
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
    Sign("hit", "hit", "A green frame: a vma where the walk found the page; thick where it stands."),
    Sign("joined", "same page", "A dotted line from row to row: the same page in memory, mapped in each of them."),
    Sign("miss", "miss", "A dashed grey frame: a vma that the walk visited and did not find the page in."),
    Sign("from", "moved from here",
         "The empty place that mremap moved a vma away from: the pages still count their index from here."),
    Sign("owner", "A0, A1", "Number of the object that pages and vmas hang on, from which the kernel finds all who map a page."),
    Sign("band", "of the vma",
         "The thin line at the bottom of pages: the object of the vma, where its pages still hang on another, as after a fork."),
)  # fmt: skip
"""All signs, the most telling first."""


KEYS = {OWN: "own", SHARED: "shared", COPIED: "copied", SWAPPED: "swapped"}
"""The signs of states of pages."""


def occurring(frame: Frame, marked: bool) -> list[Sign]:
    """The signs that the map of ``frame`` has, but for those of a walk; ``marked``: a page is selected."""
    v, found = frame.vmas, set[str]()
    if v.pages is not None:
        counts = np.bincount(v.pages.state, minlength=STATES)
        found |= {key for state, key in KEYS.items() if counts[state]}
        if len(v.start) and int((v.end - v.start).sum()) > int(v.pages.before[:, -1].sum()):
            found.add("absent")
    if marked:
        found.add("mark")
    if len(v.start) <= MOST_SEARCHED:
        if bool(geo.moved(v.start, v.pgoff, v.flags, v.file).any()):
            found.add("from")
        if bool((v.anon >= 0).any()):
            found.add("owner")
        if _apart(v) >= 0:
            found.add("band")
    return [sign for sign in SIGNS if sign.key in found]


def with_walk(signs: list[Sign], scene: Scene | None) -> list[Sign]:
    """``signs`` and those that come and go with the selected page and the walk to it."""
    if scene is None:
        return signs
    found = {sign.key for sign in signs}
    if len(scene.spots) > 1:
        found.add("joined")
    found |= {"hit" if visit.hit else "miss" for visits in scene.visited.values() for visit in visits}
    return [sign for sign in SIGNS if sign.key in found]


def _apart(v: VmaRows) -> int:
    """The first vma that has pages of another object than its own; -1 none, or too many to look for one."""
    runs = v.pages
    if runs is None or len(runs.state) > MOST_SEARCHED:
        return -1
    vma = np.repeat(np.arange(len(v.start)), np.diff(runs.first))
    apart = np.flatnonzero((runs.owner >= 0) & (v.anon[vma] >= 0) & (runs.owner != v.anon[vma]))
    return int(vma[apart[0]]) if len(apart) else -1


def sample_tokens(frame: Frame, mode: str) -> dict[str, str]:
    """Colour token by sign: what the first of its kind in the map has; "" for signs of vmas as such."""
    v, found = frame.vmas, {}
    if not len(v.start):
        return {}

    def of_vma(row: int) -> str:
        return CLASSES[mode][int(classes(mode, v, slice(row, row + 1), frame.labels)[0])].token

    runs = v.pages
    found[""] = of_vma(0)
    for state, key in KEYS.items() if runs is not None else ():
        assert runs is not None
        mine = np.flatnonzero(runs.state[:MOST_SEARCHED] == state)
        if len(mine):
            owner = int(runs.owner[mine[0]]) if mode == "anon_vma" else -1
            row = int(np.searchsorted(runs.first, mine[0], side="right")) - 1
            usual = f"fam:{owner % 6}" if owner >= 0 else of_vma(row)
            found[key] = PAGE_TOKENS.get(mode, {}).get(state, usual)
    apart = _apart(v)
    if apart >= 0:
        found["band"] = of_vma(apart)
    return found


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
        self.tokens: dict[str, str] = {}
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

    def set_colours(self, mode: str, tokens: dict[str, str]) -> None:
        """The samples in the colours that the map has, in one of memory_style.MODES; ``sample_tokens``."""
        if (mode, tokens) != (self.mode, self.tokens):
            self.mode, self.tokens = mode, tokens
            self.update()

    def set_signs(self, signs: list[Sign], view: str = "") -> None:
        """Show these; under the design ``view`` the objects that vmas hang on have their name."""
        signs = [sign for sign in signs if sign.key != "band" or self.mode == "anon_vma"]
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
        token = self.tokens.get("shared" if sign.key == "band" else sign.key) or self.tokens.get("", "fam:0")
        color = color_of(theme, token)
        p.setPen(Qt.PenStyle.NoPen)
        if sign.key == "owner":
            p.setPen(theme.color("text"))
            p.drawText(box, Qt.AlignmentFlag.AlignCenter, self._words[0])
            return
        if sign.key == "mark":
            p.setBrush(theme.color("warn"))
            p.drawRect(QRectF(box.center().x() - 1.5, box.y() - 1, 3, box.height() + 2))
            return
        if sign.key in ("hit", "miss", "joined"):
            _lines(p, theme, sign.key, box)
            return
        strength = {"shared": 1.0 if self.mode == "sharing" else 0.5, "band": 0.5, "absent": 0.14, "from": 0.0}.get(
            sign.key, 1.0
        )
        p.setBrush(faded(color, strength))
        p.drawRect(box)
        if sign.key == "band":
            p.fillRect(
                QRectF(box.x(), box.bottom() - 3, box.width(), 3), color_of(theme, self.tokens.get("band", token))
            )
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


def _lines(p: QPainter, theme: Theme, key: str, box: QRectF) -> None:
    """A frame of a walk, or the line that joins the places of a page, as the map draws them."""
    p.setBrush(Qt.BrushStyle.NoBrush)
    if key == "joined":
        p.setPen(QPen(theme.color("warn"), 1.4, Qt.PenStyle.DotLine))
        p.drawLine(box.topLeft(), box.bottomRight())
        return
    pen = QPen(theme.color("good" if key == "hit" else "dim"), 1.8)
    if key == "miss":
        pen.setDashPattern([2.5, 1.6])
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    p.setPen(pen)
    p.drawRoundedRect(box, 2, 2)

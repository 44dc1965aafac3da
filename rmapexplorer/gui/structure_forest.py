"""The forest: every object of the design below the one it came from; what is too much is folded, a click unfolds it.

Objects without parents (anon_vma of 2.6.7) stand as cards, the fullest first. Geometry comes from engine.forest.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from attrs import evolve
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QWidget

from rmapexplorer.engine.forest import BETWEEN, FOLDED, MORE, NODE, Folding
from rmapexplorer.engine.incidence import ForestPicture
from rmapexplorer.gui.panel import scaled
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.structure_board import STALE, Board
from rmapexplorer.gui.structure_forest_paint import GlyphLook, paint_glyph
from rmapexplorer.gui.structure_spots import Spots
from rmapexplorer.gui.theme import Theme, between, mono

PAD = 18.0
GAP_ACROSS, GAP_DOWN = 30.0, 7.0


class Forest(Board):
    """Zoom, pan, fold and unfold; a click on an object selects the first vma that hangs on it."""

    wanted = Signal()
    """Another folding, or room: ask again."""

    def __init__(self, selection: Selection, parent: QWidget | None = None) -> None:
        super().__init__(selection, parent)
        self.picture: ForestPicture | None = None
        self.folding = Folding()
        self.spots = Spots(None, None, 0)
        self.hovered = self.caret = -1
        self._look: GlyphLook | None = None
        self._marks: dict[int, str] = {}
        self._asked = QSize()
        self._design = ""
        self._gaps = np.empty(0)
        """Heights at which no glyph stands, between bands."""
        self.setObjectName("structures_forest")
        self.setAccessibleName("Forest of the design's objects")
        self._measure()

    def _measure(self) -> None:
        title, small = QFontMetricsF(mono(self.font().pointSizeF())), QFontMetricsF(scaled(self.font(), 0.82))
        self.box = (
            max(title.horizontalAdvance("A12345"), small.horizontalAdvance("99 vmas · 999 pages")) + 46,
            title.height() + small.height() + 6,
        )
        self.pitch = (self.box[0] + GAP_ACROSS, self.box[1] + GAP_DOWN)

    # --- what is shown

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._look = GlyphLook.of(theme, self.font())
        super().set_theme(theme)

    def set_picture(self, picture: ForestPicture) -> None:
        """Draw it; where the user stands is kept."""
        if picture.chart.design != self._design:
            self._design = picture.chart.design
            self.fitted, self.caret = True, -1
        before = self._name(self.caret)
        self.picture = picture
        self.caret = next((g for g in range(len(picture.kind)) if before >= 0 and self._name(g) == before), -1)
        self.hovered = -1
        wide = (float(picture.level.max(initial=0)) + 1) * self.pitch[0] - GAP_ACROSS + 2 * PAD
        high = (float(picture.row.max(initial=0)) + 1) * self.pitch[1] - GAP_DOWN + 2 * PAD
        self.extent = (max(wide, 1.0), max(high, 1.0))
        rows = np.unique(picture.row)
        wider = np.flatnonzero(np.diff(rows) > 1.3)
        self._gaps = PAD + ((rows[wider] + 1 + rows[wider + 1]) * self.pitch[1] - GAP_DOWN) / 2
        self.outdated(False)
        self._mark()
        if self.fitted:
            self.fit()
        else:
            self.clamp()
        self.setAccessibleDescription(self.count_words())
        self.update()

    def set_spots(self, spots: Spots) -> None:
        """What is selected and what the walk hit, to be marked."""
        self.spots = spots
        self._mark()
        self.update()

    def _mark(self) -> None:
        picture, self._marks = self.picture, {}
        if picture is None:
            return
        for number in range(len(picture.kind)):
            if picture.kind[number] in (NODE, FOLDED):
                state = self.spots.state_of(self._name(number))
                if state:
                    self._marks[number] = state

    def _marked(self) -> int:
        # the glyph that is looked for first
        return next((g for state in ("selected", "focus") for g, mark in self._marks.items() if mark == state), 0)

    def forget_folding(self) -> None:
        """Another session: nothing is unfolded by hand."""
        self.folding = Folding()

    def size_wanted(self) -> tuple[float, float]:
        """Room for the picture, in pixels at scale 1."""
        self._asked = self.size()
        return float(self.width()), float(self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Much more or less room: laid out anew."""
        super().resizeEvent(event)
        old, new = self._asked, self.size()
        if self.picture is not None and self.isVisible() and not old.isEmpty() and not new.isEmpty():
            wide, high = new.width() / old.width(), new.height() / old.height()
            if max(wide, 1 / wide, high, 1 / high) > 1.25:
                self.wanted.emit()

    def must(self) -> tuple[int, ...]:
        """Objects that are to be seen: the selected one's and the page's."""
        return tuple(sorted(self.spots.wanted()))

    def count_words(self) -> str:
        """How much of it is drawn."""
        picture = self.picture
        if picture is None:
            return ""
        if self.stale:
            return "counting links …"
        drawn = int(((picture.kind == NODE) | (picture.kind == FOLDED)).sum())
        return f"{drawn:,} of {picture.chart.columns:,} {plural(picture.chart.owner)}"

    def fit_scales(self) -> tuple[float, float]:
        """All of it, but never smaller than can be told apart."""
        zx, zy = super().fit_scales()
        return (max(zx, 0.12),) * 2 if zx == zy else (zx, zy)

    def fit_all(self) -> None:
        """The whole forest, however small."""
        scale = max(0.05, min(self.width() / self.extent[0], self.height() / self.extent[1], 1.0))
        self.zx = self.zy = scale
        self.fitted = True
        super().place_fitted()
        self._moved()

    def place_fitted(self) -> None:
        """Where all of it would be too small: readable, from the top left."""
        whole = min(self.width() / self.extent[0], self.height() / self.extent[1])
        if whole < 0.62:
            self.zx = self.zy = 0.78
            self.fitted = False
            marked = self._marked()
            self.offset = QPointF(0, 0)
            self.clamp()
            if self.picture is not None and len(self.picture.kind):
                self.bring_in(self.box_of(marked))
        else:
            super().place_fitted()

    def largest(self) -> tuple[float, float]:
        """Twice as large as text."""
        return 2.5, 2.5

    # --- geometry

    def box_of(self, number: int) -> QRectF:
        """A glyph's box, in units of the extent."""
        assert self.picture is not None
        x = PAD + float(self.picture.level[number]) * self.pitch[0]
        y = PAD + float(self.picture.row[number]) * self.pitch[1]
        return QRectF(x, y, *self.box)

    def glyph_at(self, at: QPointF) -> int:
        """The glyph there, -1 for none."""
        if self.picture is None:
            return -1
        p = self.to_extent(at)
        x = PAD + self.picture.level * self.pitch[0]
        y = PAD + self.picture.row * self.pitch[1]
        hit = (p.x() >= x) & (p.x() <= x + self.box[0]) & (p.y() >= y) & (p.y() <= y + self.box[1])
        found = np.flatnonzero(hit)
        return int(found[0]) if len(found) else -1

    def _name(self, number: int) -> int:
        picture = self.picture
        if picture is None or not 0 <= number < len(picture.kind):
            return -1
        return int(picture.chart.names[picture.column[number]])

    # --- painting

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Lines, glyphs, minimap."""
        picture, look = self.picture, self._look
        if picture is None or look is None:
            return
        p = QPainter(self)
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        p.setClipRect(self.rect().adjusted(2, 0, -2, -2))
        p.setOpacity(STALE if self.stale else 1.0)
        p.save()
        p.translate(self.offset)
        p.scale(self.zx, self.zy)
        self._lines(p, picture)
        look.legible = self.zx * look.small_height > 3.4
        seen = self.seen()
        x, y = PAD + picture.level * self.pitch[0], PAD + picture.row * self.pitch[1]
        inside = (x < seen.right()) & (x + self.box[0] > seen.left())
        inside &= (y < seen.bottom()) & (y + self.box[1] > seen.top())
        top = [int(max(column.max(initial=1), 1)) for column in (picture.vmas, picture.links, picture.pages)]
        for number in np.flatnonzero(inside).tolist():
            mark = self._marks.get(number, "")
            paint_glyph(p, look, picture, number, self.box_of(number), mark, number == self.hovered, top)
        if self.hasFocus() and self.caret >= 0:
            look.brushes.paint_focus(p, self.box_of(self.caret), self.zx)
        p.restore()
        self.paint_map(p)
        p.end()

    def _lines(self, p: QPainter, picture: ForestPicture) -> None:
        assert self._theme is not None
        lines = []
        for number in np.flatnonzero(picture.parent >= 0).tolist():
            above = int(picture.parent[number])
            a, b = self.box_of(above), self.box_of(number)
            start, end = QPointF(a.right(), a.center().y()), QPointF(b.left(), b.center().y())
            trunk, x = start.x() + GAP_ACROSS / 2, end.x() - GAP_ACROSS / 2
            if x < start.x():  # it goes on in the band below
                free = self._gaps[(self._gaps > a.bottom()) & (self._gaps < b.top())]
                turn = float(free[-1]) if len(free) else b.top() - GAP_DOWN / 2
                corners = [
                    start,
                    QPointF(trunk, start.y()),
                    QPointF(trunk, turn),
                    QPointF(x, turn),
                    QPointF(x, end.y()),
                    end,
                ]
                lines += [QLineF(one, two) for one, two in pairwise(corners)]
                continue
            lines.append(QLineF(start, QPointF(trunk, start.y())))
            turn = start.y()
            if x - trunk > 1:  # one of the further columns: along the top of them
                turn = self.box_of(int(np.flatnonzero(picture.parent == above)[0])).top() - GAP_DOWN / 2
                lines.append(QLineF(QPointF(trunk, start.y()), QPointF(trunk, turn)))
                lines.append(QLineF(QPointF(trunk, turn), QPointF(x, turn)))
            if abs(turn - end.y()) > 0.5:
                lines.append(QLineF(QPointF(x, turn), QPointF(x, end.y())))
            lines.append(QLineF(QPointF(x, end.y()), end))
        pen = QPen(between(self._theme.color("panel"), self._theme.color("faint"), 0.65), 1.1)
        pen.setCosmetic(True)
        p.setPen(pen)
        p.drawLines(lines)

    def paint_thumbnail(self, p: QPainter, box: QRectF) -> None:
        """Blocks."""
        picture, theme = self.picture, self._theme
        if picture is None or theme is None:
            return
        sx, sy = box.width() / self.extent[0], box.height() / self.extent[1]
        plain, marked = [], []
        for number in range(len(picture.kind)):
            b = self.box_of(number)
            at = QRectF(box.x() + b.x() * sx, box.y() + b.y() * sy, max(2.0, b.width() * sx), max(1.2, b.height() * sy))
            (marked if number in self._marks else plain).append(at)
        p.setPen(Qt.PenStyle.NoPen)
        for boxes, token in ((plain, "faint"), (marked, "warn")):
            p.setBrush(theme.color(token))
            p.drawRects(boxes)

    # --- mouse and keys

    def hover(self, at: QPointF | None) -> None:
        """Light up what is under the mouse."""
        number = self.glyph_at(at) if at is not None else -1
        if number != self.hovered:
            self.hovered = number
            hand = Qt.CursorShape.PointingHandCursor if number >= 0 else Qt.CursorShape.ArrowCursor
            self.setCursor(hand)
            self.update()

    def click(self, at: QPointF, shift: bool) -> None:
        """Unfold what is folded; select what is not; on the tail of an unfolded one: fold it."""
        number = self.glyph_at(at)
        if number < 0 or self.picture is None:
            return
        self.caret = number
        box = self.box_of(number)
        tail = self.to_extent(at).x() > box.right() - 18 and self._has_children(number)
        if self.picture.kind[number] != NODE or tail:
            self.toggle()
        else:
            self.enter()

    def _has_children(self, number: int) -> bool:
        return self.picture is not None and bool((self.picture.parent == number).any())

    def enter(self) -> None:
        """Select the first vma of the object."""
        target = self.target_at(None)
        if target is not None:
            self._selection.select(*target)
        elif self.picture is not None and 0 <= self.caret < len(self.picture.kind):
            self.toggle()

    def toggle(self) -> None:
        """Unfold or fold."""
        picture, name, number = self.picture, self._name(self.caret), self.caret
        if picture is None or name < 0:
            return
        fold = self.folding
        if picture.kind[number] == MORE:
            above = int(picture.parent[number])
            self.folding = evolve(fold, wider=fold.wider | {self._name(above) if above >= 0 else -1})
        elif picture.kind[number] in (FOLDED, BETWEEN):
            self.folding = evolve(fold, opened=fold.opened | {name}, closed=fold.closed - {name})
        elif self._has_children(number):
            self.folding = evolve(fold, opened=fold.opened - {name}, closed=fold.closed | {name})
        else:
            return
        self.fitted = False
        self.wanted.emit()

    def target_at(self, at: QPointF | None) -> tuple[int, int] | None:
        """(pid, page number) of the first vma of the object there."""
        number = self.caret if at is None else self.glyph_at(at)
        picture = self.picture
        if picture is None or number < 0 or picture.kind[number] in (MORE, BETWEEN):
            return None
        return self.spots.target(picture.chart, int(picture.chart.home[picture.column[number]]))

    def step(self, across: int, down: int) -> None:
        """To the parent, the first child, or the next glyph above or below in sight of the same level."""
        picture = self.picture
        if picture is None or not len(picture.kind):
            return
        if self.caret < 0:
            self.caret = self._marked()
        elif across < 0 and picture.parent[self.caret] >= 0:
            self.caret = int(picture.parent[self.caret])
        else:
            self.caret = self._nearest(picture, across, down)
        self.bring_in(self.box_of(self.caret))
        self.setAccessibleDescription(self.words(self.caret).replace("\n", ", "))
        self.update()

    def _nearest(self, picture: ForestPicture, across: int, down: int) -> int:
        here = self.caret
        dx = (picture.level - picture.level[here]) * (across or 1)
        dy = (picture.row - picture.row[here]) * (down or 1)
        if across:
            kids = np.flatnonzero(picture.parent == here) if across > 0 else np.empty(0, np.int64)
            found = kids if len(kids) else np.flatnonzero(dx > 0.5)
            cost = np.abs(dy[found]) * 3 + dx[found]
        else:
            found = np.flatnonzero(dy > 0.25)
            cost = dy[found] + np.abs(dx[found]) * 4
        return int(found[np.argmin(cost)]) if len(found) else here

    def words(self, number: int) -> str:
        """All of a glyph in words."""
        picture = self.picture
        if picture is None or number < 0:
            return ""
        chart, column = picture.chart, int(picture.column[number])
        counts = f"{picture.vmas[number]:,} vmas, {picture.links[number]:,} links, {picture.pages[number]:,} pages"
        kind = picture.kind[number]
        if kind in (MORE, BETWEEN):
            where = "more" if kind == MORE else "between, each from the one before"
            return f"{picture.objects[number]:,} {where}: {counts}\nclick to show them"
        parent = int(chart.tree.parent[column])
        lines = [f"{chart.owner} {chart.name(column)}" + (f", from {chart.name(parent)}" if parent >= 0 else "")]
        home = int(chart.home[column])
        if home >= 0:
            process = chart.process(home)
            lines.append(f"first vma in {chart.comms[process]} {chart.pids[process]}".replace("  ", " "))
        if kind == FOLDED:
            lines.append(f"with {picture.objects[number] - 1:,} below: {counts}")
            lines.append("click to unfold")
        else:
            lines.append(counts)
        mark = self._marks.get(number)
        return "\n".join([*lines, *([MARK_WORDS[mark]] if mark else [])])

    def words_at(self, at: QPointF) -> str:
        """The tooltip."""
        return self.words(self.glyph_at(at))

    def table(self) -> tuple[Sequence[str], list[np.ndarray], list[tuple[int, int] | None]]:
        """What is drawn as a table: headings, columns, what each row selects."""
        picture = self.picture
        heads = ("object", "from", "drawn as", "objects", "vmas", "links", "pages")
        if picture is None:
            return heads, [np.array([], np.int64)] * len(heads), []
        chart = picture.chart
        parents = chart.tree.parent[picture.column].tolist()
        kinds = ("object", "folded subtree", "further siblings", "ancestors between")
        columns = [
            np.array([chart.name(c) for c in picture.column.tolist()], object),
            np.array([chart.name(c) if c >= 0 else "" for c in parents], object),
            np.array([kinds[k] for k in picture.kind.tolist()], object),
            picture.objects, picture.vmas, picture.links, picture.pages,
        ]  # fmt: skip
        targets = [self.spots.target(chart, int(home)) for home in chart.home[picture.column].tolist()]
        return heads, columns, targets


MARK_WORDS = {
    "focus": "the selected page points here",
    "selected": "the selected vma hangs here",
    "hit": "the walk found the page in a vma of it",
    "now hit": "the walk stands in a vma of it: hit",
    "miss": "the walk looked into a vma of it for nothing",
    "now miss": "the walk stands in a vma of it: miss",
}


def plural(word: str) -> str:
    """The word for several of them."""
    return word if word.endswith("s") or " " in word else f"{word}s"

"""Painting of the forest's glyphs: a box with a name, counts, and three small bars of vmas, links and pages."""

from __future__ import annotations

import math

from attrs import define
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from rmapexplorer.engine.forest import BETWEEN, FOLDED, MORE
from rmapexplorer.engine.incidence import ForestPicture
from rmapexplorer.gui.panel import scaled
from rmapexplorer.gui.structure_paint import RADIUS, Brushes
from rmapexplorer.gui.theme import Theme

BAR = 26.0
"""Length of a full bar."""


@define
class GlyphLook:
    """Colours and faces, made once a theme; ``legible``: text is large enough to be drawn."""

    brushes: Brushes
    small: QFont
    small_height: float
    legible: bool = True

    @classmethod
    def of(cls, theme: Theme, base: QFont) -> GlyphLook:
        """The look of ``theme`` with the face ``base``."""
        small = scaled(base, 0.82)
        return cls(Brushes.of(theme, base), small, QFontMetricsF(small).xHeight())


def short(number: int) -> str:
    """1,234 as 1.2k: for places where there is room for four letters."""
    if number < 1000:
        return str(number)
    for unit, size in (("M", 1_000_000), ("k", 1000)):
        if number >= size:
            share = number / size
            return f"{share:.1f}{unit}" if share < 10 else f"{share:.0f}{unit}"
    return str(number)


def paint_glyph(
    p: QPainter, look: GlyphLook, picture: ForestPicture, number: int, box: QRectF, mark: str, hot: bool, top: list[int]
) -> None:
    """One glyph. ``top`` are the largest counts of vmas, links, pages: full bars."""
    kind, theme = int(picture.kind[number]), look.brushes.theme
    family = int(picture.chart.names[picture.column[number]])
    color = theme.family(family)
    if kind in (MORE, BETWEEN):
        _more(p, look, picture, number, box, hot)
        return
    if kind == FOLDED:
        p.setPen(QPen(theme.color("line"), 1.0))
        p.setBrush(theme.color("raised"))
        for shift in (6.0, 3.0):
            p.drawRoundedRect(box.translated(shift, shift * 0.75).adjusted(0, 0, -shift * 0.4, 0), RADIUS, RADIUS)
    edge, width, dashed = _edge(theme, mark, color)
    pen = QPen(edge, width + (0.6 if hot else 0.0))
    if dashed:
        pen.setDashPattern([4, 3])
    p.setPen(pen)
    p.setBrush(theme.color("sel" if hot else "raised"))
    p.drawRoundedRect(box, RADIUS, RADIUS)
    p.setPen(Qt.PenStyle.NoPen)
    p.setBrush(color)
    p.drawRoundedRect(QRectF(box.x() + 3, box.y() + 5, 3, box.height() - 10), 1.5, 1.5)
    _bars(p, look, picture, number, box, top)
    if look.legible:
        _text(p, look, picture, number, box)
    if mark in ("hit", "now hit"):
        _tick(p, theme, QPointF(box.right() - 8, box.bottom() - 8))


def _edge(theme: Theme, mark: str, color: QColor) -> tuple[QColor, float, bool]:
    if mark == "focus":
        return theme.color("warn"), 2.0, False
    if mark == "selected":
        return theme.color("accent"), 2.0, False
    if mark in ("hit", "now hit"):
        return theme.color("good"), 2.8 if mark == "now hit" else 1.6, False
    if mark in ("miss", "now miss"):
        return theme.color("faint"), 2.4 if mark == "now miss" else 1.2, True
    return theme.color("line"), 1.1, False


def _bars(p: QPainter, look: GlyphLook, picture: ForestPicture, number: int, box: QRectF, top: list[int]) -> None:
    theme = look.brushes.theme
    x, y = box.right() - BAR - 9, box.y() + 4.5
    for counts, most, token in zip(
        (picture.vmas, picture.links, picture.pages), top, ("accent", "avc", "warn"), strict=True
    ):
        share = math.log1p(int(counts[number])) / math.log1p(most)
        p.setBrush(theme.color("line"))
        p.drawRect(QRectF(x, y + 1, BAR, 1))
        p.setBrush(theme.color(token))
        p.drawRect(QRectF(x, y, BAR * share, 2.8))
        y += 4.2


def _text(p: QPainter, look: GlyphLook, picture: ForestPicture, number: int, box: QRectF) -> None:
    theme = look.brushes.theme
    left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
    area = box.adjusted(11, 2, -8, -2)
    name = picture.chart.name(int(picture.column[number]))
    title = QFontMetricsF(look.brushes.title)
    p.setFont(look.brushes.title)
    p.setPen(theme.color("text"))
    room = area.width() - BAR - 6
    name = title.elidedText(name, Qt.TextElideMode.ElideRight, room)
    upper = QRectF(area.x(), area.y(), room, title.height())
    p.drawText(upper, left, name)
    if picture.kind[number] == FOLDED:
        p.setFont(look.small)
        p.setPen(theme.color("accent"))
        x = title.horizontalAdvance(name) + 7
        extra = f"+{short(int(picture.objects[number]) - 1)}"
        p.drawText(upper.adjusted(x, 0, 0, 0), left, extra)
    small = QFontMetricsF(look.small)
    p.setFont(look.small)
    p.setPen(theme.color("dim"))
    words = f"{counted(int(picture.links[number]), 'vma')} · {counted(int(picture.pages[number]), 'page')}"
    words = small.elidedText(words, Qt.TextElideMode.ElideRight, area.width() + 4)
    p.drawText(QRectF(area.x(), upper.bottom(), area.width() + 4, small.height()), left, words)


def counted(number: int, word: str) -> str:
    """``3 vmas``, ``1 vma``, ``12k vmas``."""
    return f"{short(number)} {word}{'' if number == 1 else 's'}"


def _more(p: QPainter, look: GlyphLook, picture: ForestPicture, number: int, box: QRectF, hot: bool) -> None:
    theme = look.brushes.theme
    pen = QPen(theme.color("accent" if hot else "faint"), 1.1)
    pen.setDashPattern([3, 3])
    p.setPen(pen)
    p.setBrush(theme.color("sel" if hot else "panel"))
    p.drawRoundedRect(box, box.height() / 2, box.height() / 2)
    if look.legible:
        words = f"+{short(int(picture.objects[number]))} {'more' if picture.kind[number] == MORE else 'between'}"
        p.setFont(look.brushes.word)
        p.setPen(theme.color("accent"))
        p.drawText(box, Qt.AlignmentFlag.AlignCenter, words)


def _tick(p: QPainter, theme: Theme, at: QPointF) -> None:
    p.setPen(QPen(theme.color("good"), 1.8, c=Qt.PenCapStyle.RoundCap, j=Qt.PenJoinStyle.RoundJoin))
    p.drawPolyline([at + QPointF(-4, 0), at + QPointF(-1, 3), at + QPointF(4.5, -3.5)])

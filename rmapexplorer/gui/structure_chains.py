"""pte_chain in one picture: how long the chains are, page by page, and the chain of the selected page block by block."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QWidget

from rmapexplorer.engine.page_chains import ChainPte, ChainsPicture
from rmapexplorer.gui import places
from rmapexplorer.gui.panel import scaled
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.structure_forest_paint import short
from rmapexplorer.gui.structure_items import Item, Items
from rmapexplorer.gui.structure_paint import Brushes

PAD = 14.0
MOST_BARS = 24


class Chains(Items):
    """Histogram on the left, the chain on the right."""

    def __init__(self, selection: Selection, parent: QWidget | None = None) -> None:
        super().__init__(selection, parent)
        self.picture: ChainsPicture | None = None
        self._bars: list[tuple[int, int, int]] = []
        """(fewest ptes, most, pages) of each bar."""
        self._blocks: list[tuple[QRectF, int, list[ChainPte]]] = []
        self.setObjectName("structures_chains")
        self.setAccessibleName("Chains of ptes by length, and that of the selected page")

    def set_picture(self, picture: ChainsPicture) -> None:
        """Draw it."""
        self.picture = picture
        self._bars = _binned(picture.pages)
        self.setAccessibleDescription(self.count_words())
        self.renew()

    def count_words(self) -> str:
        """How much of it is drawn."""
        picture = self.picture
        if picture is None:
            return ""
        return f"{len(picture.chain):,} of {int((np.arange(len(picture.pages)) * picture.pages).sum()):,} ptes"

    def _small(self) -> QFontMetricsF:
        return QFontMetricsF(scaled(self.font(), 0.86))

    def _histogram(self) -> QRectF:
        line = self._small().height()
        room = float(self.parentWidget().height()) if self.parentWidget() is not None else 220.0
        top, below = PAD + 1.9 * line, 1.5 * line + PAD / 2
        left = PAD + self._small().horizontalAdvance("100k") + 6
        return QRectF(left, top, min(self.width() * 0.4, 430.0) - left, max(50.0, min(room - top - below, 260.0)))

    def arrange(self) -> None:
        """Bars, then blocks with their slots."""
        self.items, self._blocks = [], []
        picture, line = self.picture, self._small().height()
        if picture is None:
            return
        area = self._histogram()
        top = max((pages for _, _, pages in self._bars), default=1)
        step = area.width() / max(len(self._bars), 6)
        for number, (low, high, pages) in enumerate(self._bars):
            tall = area.height() * (math.log1p(pages) / math.log1p(max(top, 1)))
            box = QRectF(area.x() + number * step + 2, area.bottom() - tall, max(3.0, min(step - 4, 46.0)), tall)
            span = str(low) if low == high else f"{low:,} to {high:,}"
            self.items.append(Item(box=box, words=f"{_pages(pages)} mapped by {_ptes(span)}{self._cost(low, pages)}"))
        bottom = self._arrange_chain(picture, area.right() + 44, line)
        self.tall = max(area.bottom() + 1.4 * line, bottom)

    def _cost(self, ptes: int, pages: int) -> str:
        picture = self.picture
        if picture is None or (picture.direct and ptes == 1):
            return ", each kept in the page itself (PG_direct)"
        blocks = -(-ptes // picture.slots)
        return (
            f"\n{blocks:,} blocks of {picture.block_bytes} bytes each: {blocks * picture.block_bytes * pages:,} bytes"
        )

    def _arrange_chain(self, picture: ChainsPicture, left: float, line: float) -> float:
        y, room = PAD / 2 + line * 1.4, self.width() - left - PAD
        digits = QFontMetricsF(self._look.title) if self._look is not None else self._small()
        names = [f"{pte.comm} {pte.pid}".strip() for pte in picture.chain]
        wide = max([digits.horizontalAdvance(places.shown().at(pte.vpn)) for pte in picture.chain] + [40.0])
        wide = max([wide, *(self._small().horizontalAdvance(name) for name in names)]) + 14
        wide, high = min(wide, 110.0), line * 2 + 8
        per_row = max(1, int((room - 10) // (wide + 4)))
        for block in sorted({pte.block for pte in picture.chain}):
            held = [pte for pte in picture.chain if pte.block == block]
            slots = max(picture.slots, len(held)) if block else 1
            free = slots - len(held)
            rows = -(-slots // per_row)
            least = self._small().horizontalAdvance("page.pte.direct") + 18
            box = QRectF(left, y, max(min(per_row, slots) * (wide + 4) + 8, least), rows * (high + 4) + line + 8)
            self._blocks.append((box, free, held))
            for number, pte in enumerate(held):
                place = free + number
                x = left + 6 + place % per_row * (wide + 4)
                cell = QRectF(x, y + line + 4 + place // per_row * (high + 4), wide, high)
                words = f"pte of {places.shown().page(pte.vpn)} of {pte.comm} {pte.pid}\n" + (
                    f"block {block}, slot {place}" if block else "PG_direct: no block is needed"
                )
                self.items.append(Item(box=cell, words=words, target=(pte.pid, pte.vpn) if pte.pid else None))
            y = box.bottom() + 14
        return y

    def paint(self, p: QPainter, look: Brushes) -> None:
        """Both halves."""
        picture = self.picture
        if picture is None:
            return
        area, line = self._histogram(), self._small().height()
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        p.setFont(look.small)
        p.setPen(look.dim)
        p.drawText(QRectF(PAD, PAD / 2, area.right() - PAD + 30, line), left, "pages by ptes on their chain, log scale")
        self._paint_bars(p, look, area, line)
        right = area.right() + 44
        p.setFont(look.small)
        p.setPen(look.dim)
        words = self._elided(self._chain_words(picture), self.width() - right - PAD)
        p.drawText(QRectF(right, PAD / 2, self.width() - right, line), left, words)
        first = len(self._bars)
        for number, (box, free, held) in enumerate(self._blocks):
            self._paint_block(p, look, number, box, free, len(held))
        for number in range(first, len(self.items)):
            self._paint_pte(p, look, number, picture.chain[number - first])

    def _elided(self, words: str, room: float) -> str:
        return self._small().elidedText(words, Qt.TextElideMode.ElideRight, room)

    def _chain_words(self, picture: ChainsPicture) -> str:
        pid, vpn = picture.spot
        if not picture.mapped:
            return "Select a page that is mapped to see its chain." if vpn < 0 or not pid else "No chain for this page."
        more = f", the first {len(picture.chain)} shown" if picture.mapped > len(picture.chain) else ""
        return f"chain of {places.shown().page(vpn)} of pid {pid}: {_ptes(f'{picture.mapped:,}')}{more}"

    def _paint_bars(self, p: QPainter, look: Brushes, area: QRectF, line: float) -> None:
        theme, small = look.theme, self._small()
        self._paint_axis(p, look, area, line)
        lasts = [-1e9, -1e9]
        centre = Qt.AlignmentFlag.AlignCenter
        for number, (low, high, pages) in enumerate(self._bars):
            box = self.items[number].box
            p.setPen(Qt.PenStyle.NoPen)
            p.setBrush(theme.color("accent" if number == self.hovered else "pte_chain"))
            p.drawRoundedRect(box, 2, 2)
            span = str(low) if low == high else f"{short(low)}+"
            middle = box.center().x()
            for which, words, y, token in (
                (0, span, area.bottom() + 3, "dim"), (1, short(pages), box.top() - line, "text"),
            ):  # fmt: skip
                half = small.horizontalAdvance(words) / 2
                if pages and middle - half > lasts[which] + 5:
                    lasts[which] = middle + half
                    p.setPen(theme.color(token))
                    p.drawText(QRectF(middle - 30, y, 60, line), centre, words)

    def _paint_axis(self, p: QPainter, look: Brushes, area: QRectF, line: float) -> None:
        # powers of ten, as high as the bars are
        top = max((pages for _, _, pages in self._bars), default=1)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        p.setPen(QPen(look.theme.color("line"), 1))
        p.drawLine(QPointF(area.x(), area.bottom() + 0.5), QPointF(area.right(), area.bottom() + 0.5))
        last, number = area.bottom() + line, 1
        while number <= top:
            y = area.bottom() - area.height() * math.log1p(number) / math.log1p(max(top, 1))
            if last - y >= line:
                last = y
                p.setPen(QPen(look.theme.color("line"), 1, Qt.PenStyle.DotLine))
                p.drawLine(QPointF(area.x(), y), QPointF(area.right(), y))
                p.setPen(look.dim)
                p.drawText(QRectF(0, y - line / 2, area.x() - 6, line), right, short(number))
            number *= 10

    def _paint_block(self, p: QPainter, look: Brushes, number: int, box: QRectF, free: int, held: int) -> None:
        theme = look.theme
        if number:
            above = self._blocks[number - 1][0]
            p.setPen(QPen(theme.color("faint"), 1.2))
            x = above.x() + 22
            p.drawLine(QPointF(x, above.bottom()), QPointF(x, box.top()))
            p.drawPolyline([QPointF(x - 4, box.top() - 5), QPointF(x, box.top()), QPointF(x + 4, box.top() - 5)])
        p.setPen(QPen(theme.color("line"), 1.1))
        p.setBrush(theme.color("raised"))
        p.drawRoundedRect(box, 5, 5)
        p.setFont(look.small)
        p.setPen(look.dim)
        picture = self.picture
        assert picture is not None
        block = picture.chain[sum(len(b[2]) for b in self._blocks[:number])].block
        words = (
            f"block {block}, {picture.block_bytes} bytes: {held} of {held + free} slots" if block else "page.pte.direct"
        )
        line = self._small().height()
        p.drawText(box.adjusted(8, 2, -4, 0), Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, words)
        wide = self.items[len(self._bars)].box.width()
        high = self.items[len(self._bars)].box.height()
        per_row = max(1, int((box.width() - 8) // (wide + 4)))
        pen = QPen(theme.color("faint"), 1)
        pen.setDashPattern([2, 3])
        p.setPen(pen)
        p.setBrush(Qt.BrushStyle.NoBrush)
        for slot in range(free):
            x, y = box.x() + 6 + slot % per_row * (wide + 4), box.y() + line + 4 + slot // per_row * (high + 4)
            p.drawRoundedRect(QRectF(x, y, wide, high), 3, 3)

    def _paint_pte(self, p: QPainter, look: Brushes, number: int, pte: ChainPte) -> None:
        theme, box, picture = look.theme, self.items[number].box, self.picture
        assert picture is not None
        mine = (pte.pid, pte.vpn) == picture.spot
        p.setPen(QPen(theme.color("warn" if mine else "good"), 1.8 if mine else 1.2))
        p.setBrush(theme.color("sel" if number == self.hovered else "panel"))
        p.drawRoundedRect(box, 3, 3)
        p.setFont(look.title)
        p.setPen(theme.color("text"))
        half = box.height() / 2
        centre = Qt.AlignmentFlag.AlignCenter
        p.drawText(QRectF(box.x(), box.y() + 1, box.width(), half), centre, places.shown().at(pte.vpn))
        p.setFont(look.small)
        p.setPen(look.dim)
        name = self._elided(f"{pte.comm} {pte.pid}".strip(), box.width() - 6)
        p.drawText(QRectF(box.x(), box.y() + half - 1, box.width(), half), centre, name)

    def table(self) -> tuple[Sequence[str], list[np.ndarray], list[tuple[int, int] | None]]:
        """How many pages have chains of each length."""
        picture = self.picture
        heads = ("ptes on the chain", "pages", "blocks a page", "bytes together")
        if picture is None:
            return heads, [np.array([], np.int64)] * 4, []
        ptes = np.flatnonzero(picture.pages)
        pages = picture.pages[ptes]
        blocks = -(-ptes // picture.slots)
        if picture.direct:
            blocks = np.where(ptes == 1, 0, blocks)
        return heads, [ptes, pages, blocks, blocks * pages * picture.block_bytes], [None] * len(ptes)


def _ptes(number: str) -> str:
    return "1 pte" if number == "1" else f"{number} ptes"


def _pages(number: int) -> str:
    return "1 page is" if number == 1 else f"{number:,} pages are"


def _binned(pages: np.ndarray) -> list[tuple[int, int, int]]:
    # a bar for each length, with gaps between few; where there are too many lengths, spans that grow
    lengths = np.flatnonzero(pages)
    if not len(lengths):
        return []
    last = int(lengths[-1])
    if last <= MOST_BARS:
        return [(n, n, int(pages[n])) for n in range(1, last + 1)]
    if len(lengths) <= MOST_BARS // 2:
        return [(n, n, int(pages[n])) for n in lengths.tolist()]
    edges = np.unique(np.round(np.geomspace(1, last + 1, MOST_BARS + 1)).astype(np.int64))
    return [(int(a), int(b) - 1, int(pages[a:b].sum())) for a, b in zip(edges, edges[1:], strict=False)]

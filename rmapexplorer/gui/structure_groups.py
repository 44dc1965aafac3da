"""anonmm in one picture: groups of mms that one exec began, and the pages whose index does not tell any more where they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QWidget

from rmapexplorer.engine.page_chains import Group, GroupsPicture, Member, Stray
from rmapexplorer.gui import places
from rmapexplorer.gui.panel import scaled
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.structure_items import Item, Items
from rmapexplorer.gui.structure_paint import Brushes
from rmapexplorer.gui.theme import mono

PAD, GAP = 12.0, 10.0
CHIP_WORDS = "M1234 worker 1234"
"""What a chip has room for."""

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class Groups(Items):
    """A card for each group: its members as chips, its exceptions below."""

    def __init__(self, selection: Selection, parent: QWidget | None = None) -> None:
        super().__init__(selection, parent)
        self.picture: GroupsPicture | None = None
        self._cards: list[tuple[QRectF, Group]] = []
        self._of: list[Member | Stray] = []
        self.setObjectName("structures_groups")
        self.setAccessibleName("Groups of mms and their exceptions")

    def set_picture(self, picture: GroupsPicture) -> None:
        """Draw it."""
        self.picture = picture
        self.setAccessibleDescription(self.count_words())
        self.renew()

    def count_words(self) -> str:
        """How much of it is drawn."""
        picture = self.picture
        if picture is None:
            return ""
        shown = sum(len(group.members) for group in picture.groups)
        groups = f" in {picture.total:,} groups" if picture.total > 1 else ""
        return f"{shown:,} of {picture.members:,} anonmms{groups}"

    def _line(self) -> float:
        return QFontMetricsF(scaled(self.font(), 0.86)).height()

    def arrange(self) -> None:
        """Cards one below the other, as wide as there is room."""
        self.items, self._cards, self._of = [], [], []
        if self.picture is None:
            return
        line, y = self._line(), PAD
        chip = line * 2 + 8
        wide = max(200.0, self.width() - 2 * PAD)
        broad = max(132.0, QFontMetricsF(mono(self.font().pointSizeF())).horizontalAdvance(CHIP_WORDS) + 16)
        across = max(1, int((wide - 16 + 6) // (broad + 6)))
        for group in self.picture.groups:
            top, at = y, y + line * 1.5 + 8
            for number, member in enumerate(group.members):
                x = PAD + 10 + number % across * (broad + 6)
                box = QRectF(x, at + number // across * (chip + 6), broad, chip)
                self._add(box, member, _member_words(member), member.home)
            at += -(-len(group.members) // across) * (chip + 6) + 2
            if group.examples:
                at += line + 2
                for number, stray in enumerate(group.examples):
                    x = PAD + 10 + number % across * (broad + 6)
                    box = QRectF(x, at + number // across * (chip + 6), broad, chip)
                    self._add(box, stray, _stray_words(stray), (stray.pid, stray.vpn) if stray.pid else None)
                at += -(-len(group.examples) // across) * (chip + 6)
            self._cards.append((QRectF(PAD, top, wide, at - top + 4), group))
            y = at + 4 + GAP
        self.tall = y

    def _add(self, box: QRectF, what: Member | Stray, words: str, target: tuple[int, int] | None) -> None:
        self.items.append(Item(box=box, words=words, target=target))
        self._of.append(what)

    def paint(self, p: QPainter, look: Brushes) -> None:
        """Cards, chips."""
        theme, line = look.theme, self._line()
        number = 0
        for box, group in self._cards:
            p.setPen(QPen(theme.color("line"), 1))
            p.setBrush(theme.color("raised"))
            p.drawRoundedRect(box, 6, 6)
            self._heading(p, look, box, group, line)
            count = len(group.members) + len(group.examples)
            for at in range(number, number + count):
                if at == number + len(group.members):
                    self._exceptions_heading(p, look, group, self.items[at].box, line)
                self._chip(p, look, at)
            number += count

    def _heading(self, p: QPainter, look: Brushes, box: QRectF, group: Group, line: float) -> None:
        theme = look.theme
        first = group.members[0] if group.members else None
        p.setFont(look.title)
        p.setPen(theme.color("text"))
        metrics = QFontMetricsF(look.title)
        row = QRectF(box.x() + 10, box.y() + 4, box.width() - 20, line * 1.5)
        p.drawText(row, _LEFT, group.head)
        p.setFont(look.small)
        p.setPen(look.dim)
        who = f"begun by {first.comm} {first.pid}, " if first is not None and first.pid else ""
        mms = f"{group.size:,} mm{'' if group.size == 1 else 's'}"
        words = f"group of {mms}, {who}{group.pages:,} page{'' if group.pages == 1 else 's'} point at it"
        x = metrics.horizontalAdvance(group.head) + 10
        small = QFontMetricsF(look.small)
        p.drawText(
            row.adjusted(x, 0, 0, 0), _LEFT, small.elidedText(words, Qt.TextElideMode.ElideRight, row.width() - x)
        )

    def _exceptions_heading(self, p: QPainter, look: Brushes, group: Group, first: QRectF, line: float) -> None:
        p.setFont(look.small)
        p.setPen(look.theme.color("warn"))
        chained = f", {group.chained:,} of them with a chain of addresses" if group.chained else ""
        pages = f"{group.exceptions:,} page{'' if group.exceptions == 1 else 's'}"
        words = f"{pages} mapped elsewhere than the index says{chained}"
        small = QFontMetricsF(look.small)
        room = self.width() - first.x() - PAD - 8
        place = QRectF(first.x(), first.y() - line - 3, room, line)
        p.drawText(place, _LEFT, small.elidedText(words, Qt.TextElideMode.ElideRight, room))

    def _chip(self, p: QPainter, look: Brushes, number: int) -> None:
        theme, box, what = look.theme, self.items[number].box, self._of[number]
        selected = self.items[number].target is not None and self.items[number].target[0] == self._selection.pid  # type: ignore[index]
        gone = isinstance(what, Member) and not what.pid
        pen = QPen(theme.color("accent" if selected and isinstance(what, Member) else "line"), 1.2)
        if isinstance(what, Stray):
            pen = QPen(theme.color("warn"), 1.2)
        if gone:
            pen = QPen(theme.color("faint"), 1.1)
            pen.setDashPattern([3, 3])
        p.setPen(pen)
        p.setBrush(theme.color("sel" if number == self.hovered else "panel"))
        p.drawRoundedRect(box, 4, 4)
        if isinstance(what, Member):
            p.setPen(Qt.PenStyle.NoPen)
            color = theme.family(what.number)
            color.setAlphaF(0.5 if gone else 1.0)
            p.setBrush(color)
            p.drawRoundedRect(QRectF(box.x() + 3, box.y() + 5, 3, box.height() - 10), 1.5, 1.5)
            upper = f"{what.name}  {what.comm} {what.pid}".strip() if what.pid else what.name
            lower = f"{what.pages:,} page{'' if what.pages == 1 else 's'}" + ("" if what.pid else _gone(what))
        else:
            upper, lower = (
                f"{places.shown().at(what.vpn)} ≠ {places.shown().at(what.index)}",
                f"{what.comm} {what.pid}" + (" · chained" if what.chained else ""),
            )
        self._chip_text(p, look, box, upper, lower, gone)

    def _chip_text(self, p: QPainter, look: Brushes, box: QRectF, upper: str, lower: str, gone: bool) -> None:
        area, half = box.adjusted(11, 2, -5, -2), (box.height() - 4) / 2
        for text, font, token, y in (
            (upper, look.title, "dim" if gone else "text", area.y()),
            (lower, look.small, "dim", area.y() + half),
        ):
            p.setFont(font)
            p.setPen(look.theme.color(token))
            shown = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, area.width())
            p.drawText(QRectF(area.x(), y, area.width() + 1, half), _LEFT, shown)

    def table(self) -> tuple[Sequence[str], list[np.ndarray], list[tuple[int, int] | None]]:
        """The anonmms that are shown."""
        heads = ("group", "anonmm", "process", "pid", "pages")
        members = [(g.head, m) for g in (self.picture.groups if self.picture is not None else ()) for m in g.members]
        columns = [
            np.array([head for head, _ in members], object), np.array([m.name for _, m in members], object),
            np.array([m.comm for _, m in members], object), np.array([m.pid for _, m in members], np.int64),
            np.array([m.pages for _, m in members], np.int64),
        ]  # fmt: skip
        return heads, columns, [m.home for _, m in members]


def _gone(member: Member) -> str:
    return ", orphan" if member.pages else ", nothing of its own"


def _member_words(member: Member) -> str:
    pages = f"{member.pages:,} pages point at it"
    if member.pid:
        return f"{member.name} of {member.comm} {member.pid}\n{pages}"
    why = "its mm exited, pages still point at it" if member.pages else "no anonymous memory hangs on it"
    return f"{member.name}: {why}\n{pages}"


def _stray_words(stray: Stray) -> str:
    how = "it is found through its chain of addresses" if stray.chained else "its index alone does not lead there"
    return f"mapped at {places.shown().at(stray.vpn)} of {stray.comm} {stray.pid}, its index says {places.shown().at(stray.index)}\n{how}"

"""The pieces the inspector is made of: selectable text made from fields, cards for merges, the list of walk steps."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from PySide6.QtCore import QEvent, QModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QKeyEvent, QKeySequence, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from rmapexplorer.engine.frames import Field, KernelField, MergeVerdict, OtherDesign
from rmapexplorer.gui import places
from rmapexplorer.gui.curves import size_text
from rmapexplorer.gui.models.base import plural
from rmapexplorer.gui.models.walk import MOST, WalkModel, step_line, who
from rmapexplorer.gui.panel import ElidedLabel, scaled
from rmapexplorer.gui.tables import PAD, ROW_AIR, ColumnPlan, RowTable
from rmapexplorer.gui.theme import Theme, look, mono

GLYPHS = {"s": "■", "t1": "▲", "o": "●", "d": "◆", "star": "★", "x": "✕", "+": "✚", "p": "⬟", "h": "⬢", "t": "▼"}
"""A design's marker as a letter."""


class RichText(QLabel):
    """Selectable, wrapping text; the keyboard can select and copy it too."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._heights: dict[int, int] = {}
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setWordWrap(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.setCursor(Qt.CursorShape.IBeamCursor)

    def show_html(self, text: str) -> None:
        """Show ``text``; nothing happens where it is shown already, so a selection survives."""
        if text != self.text():
            self._heights.clear()
            self.setText(text)
        self.setVisible(bool(text))

    def heightForWidth(self, width: int) -> int:  # noqa: N802 (Qt's name)
        """Layouts ask for the same few widths again and again, and each time Qt would lay the text out anew."""
        if width not in self._heights:
            self._heights[width] = super().heightForWidth(width)
        return self._heights[width]

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Another font, another height."""
        if event.type() == QEvent.Type.FontChange:
            self._heights.clear()
        super().changeEvent(event)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """As narrow as it is made; as tall as the text then needs."""
        return QSize(40, super().minimumSizeHint().height())


def span(text: str, color: QColor, *, face: str = "", size: str = "", bold: bool = False) -> str:
    """A piece of text in HTML. :param face: "mono" or "". :param size: points, with unit."""
    style = f"color:{color.name()};"
    style += f"font-family:'{mono().family()}';" if face else ""
    style += f"font-size:{size};" if size else ""
    style += "font-weight:600;" if bold else ""
    return f'<span style="{style}">{breakable(text)}</span>'


def breakable(text: str) -> str:
    """Escaped, and with places where long paths and flag lists may break."""
    return escape(text).replace("/", "/\u200b").replace("_", "_\u200b").replace(" | ", " |\u200b ")


def tone(theme: Theme, name: str) -> QColor:
    """The colour of a Field's tone."""
    if name.startswith("family:"):
        return theme.family(max(int(name.partition(":")[2]), 0))
    return theme.color(name if name in ("good", "bad", "warn") else "text")


def fields_html(fields: Iterable[Field], theme: Theme, points: float) -> str:
    """Name and value side by side, the meaning smaller below."""
    small, rows = f"{points * 0.86:.1f}pt", []
    for field in fields:
        name = span(field.name, theme.color("dim"), face="mono")
        value = span(
            places.shown().text(field.value),
            theme.color("bad") if field.kernel else tone(theme, field.tone),
            face="mono",
        )
        value += span(" ≠", theme.color("bad"), bold=True) if field.kernel else ""
        rows.append(
            f'<tr><td width="40%" style="padding:1px 8px 0 0">{name}</td><td style="padding-top:1px">{value}</td></tr>'
        )
        if field.kernel:
            rows.append(
                f'<tr><td colspan="2">{span(places.shown().text(f"kernel 6.18: {field.kernel}"), theme.color("bad"), size=small)}</td></tr>'
            )
        if field.meaning:
            meaning = span(places.shown().text(field.meaning), theme.color("dim"), size=small)
            rows.append(f'<tr><td colspan="2">{meaning}</td></tr>')
    return f'<table width="100%" cellspacing="0" cellpadding="0">{"".join(rows)}</table>' if rows else ""


def kernel_html(rows: Iterable[KernelField], theme: Theme, points: float) -> str:
    """Field, the recorded kernel's value and ours, section by section; where nothing differs one quiet line is all."""
    small, out, section = f"{points * 0.86:.1f}pt", [], ""
    cells, rows = "padding:1px 8px 0 0", list(rows)
    if not rows:
        return ""
    if not any(row.differs for row in rows):
        return span("equal to Linux 6.18 here", theme.color("good"), size=small)
    heads = (("", "34%"), ("kernel 6.18", "36%"), ("ours", "30%"))
    cells_of = [f'<td width="{width}">{span(word, theme.color("dim"), size=small)}</td>' for word, width in heads]
    out.append(f"<tr>{''.join(cells_of)}</tr>")
    for row in rows:
        if row.section != section:
            section = row.section
            title = f'<td colspan="3" style="padding-top:4px">{span(section, theme.color("text"), size=small, bold=True)}</td>'
            out.append(f"<tr>{title}</tr>")
        color = theme.color("bad") if row.differs else theme.color("text")
        name = span(row.name, theme.color("dim"), face="mono", size=small)
        values = [span(places.shown().text(value), color, face="mono", size=small) for value in (row.kernel, row.ours)]
        values[1] += span(" ≠", color, bold=True) if row.differs else ""
        out.append("<tr>" + "".join(f'<td style="{cells}">{cell}</td>' for cell in (name, *values)) + "</tr>")
    return f'<table width="100%" cellspacing="0" cellpadding="0">{"".join(out)}</table>'


def others_html(others: Iterable[OtherDesign], theme: Theme, points: float) -> str:
    """A line a design: marker, name, nodes visited and bytes kept; below it what it copied and what it misses."""
    small, rows = f"{points * 0.86:.1f}pt", []
    air = ' style="padding-top:5px"'
    for other in others:
        name = span(GLYPHS[look(other.design).marker], theme.design(other.design)) + "&nbsp;&nbsp;"
        name += span(other.design.replace(":variant=", " "), theme.color("text"))
        figures = f"{plural(other.nodes, 'node')} · {size_text(other.footprint_bytes)}"
        figures = span(figures, theme.color("dim"), face="mono")
        rows.append(f'<tr><td{air}>{name}</td><td{air} align="right">{figures}</td></tr>')
        below = [span(f"{plural(other.missed, 'pte')} missed", theme.color("bad"), size=small)] if other.missed else []
        for copied, by in ((other.copied_by_mremap, "mremap"), (other.copied_by_design, "the design")):
            if copied:
                below.append(span(f"{plural(copied, 'page')} copied by {by}", theme.color("warn"), size=small))
        if below:
            rows.append(f'<tr><td></td><td align="right">{" · ".join(below)}</td></tr>')
    return f'<table width="100%" cellspacing="0" cellpadding="0">{"".join(rows)}</table>' if rows else ""


def pair_text(verdict: MergeVerdict) -> str:
    """``c40-c44  |  c44-c4c`` in address order."""
    mine = places.shown().span(*verdict.mine)
    theirs = places.shown().span(*verdict.theirs) if verdict.theirs else "nothing"
    return f"{theirs}  |  {mine}" if verdict.side == "left" else f"{mine}  |  {theirs}"


class MergeCard(QFrame):
    """One neighbour: a warm card with the rule and both values where it stays apart, else a quiet line."""

    def __init__(self, verdict: MergeVerdict, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = RichText(self)  # without a parent it would be shown as a window of its own
        self._inside = QVBoxLayout(self)
        self._inside.addWidget(self.text)
        self.show_verdict(verdict, theme)

    def show_verdict(self, verdict: MergeVerdict, theme: Theme) -> None:
        """Another verdict or theme."""
        self.verdict, self._theme = verdict, theme
        pad = 10 if verdict.refusal else 0
        self._inside.setContentsMargins(pad, pad - 2 if pad else 1, pad, pad - 2 if pad else 1)
        self.text.show_html(self._html())
        self.update()

    def _html(self) -> str:
        theme, verdict, color = self._theme, self.verdict, self._theme.color
        small = f"{self.font().pointSizeF() * 0.9:.1f}pt"
        if verdict.theirs is None:
            return span(f"{verdict.side}: no vma touches it", color("dim"), size=small)
        if verdict.refusal is None:
            return (
                span(pair_text(verdict), color("text"), face="mono") + " " + span("merges", color("good"), size=small)
            )
        why = verdict.refusal
        lines = [span(pair_text(verdict), color("text"), face="mono", bold=True).replace("  ", "&nbsp;&nbsp;")]
        lines.append(span(places.shown().text(why.sentence), color("warn")))
        if why.mine or why.theirs:
            values = (why.theirs, why.mine) if verdict.side == "left" else (why.mine, why.theirs)
            both = f"{values[0]}  ≠  {values[1]}"
            lines.append(span(f"{why.rule}: ", color("dim"), size=small) + span(both, color("warn"), face="mono"))
        lines += [span(why.source, color("accent"), size=small)] if why.source else []
        lines += [span(verdict.remedy, theme.color("dim"), size=small)] if verdict.remedy else []
        return "".join(f'<div style="margin-top:{0 if n == 0 else 4}px">{line}</div>' for n, line in enumerate(lines))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """The warm border of a refusal."""
        if self.verdict.refusal is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.color("warn"), 1.3))
        wash = QColor(self._theme.color("warn"))
        wash.setAlphaF(0.06)
        painter.setBrush(wash)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)
        painter.end()


class Section(QWidget):
    """A bold title, room for buttons beside it, a line above, and a body."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._line = QColor("gray")
        self.title = ElidedLabel(title)
        self.title.setFont(scaled(self.font(), 1.0, bold=True))
        self.head = QHBoxLayout()
        self.head.addWidget(self.title)
        self.head.addStretch(1)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(0, 7, 0, 2)
        self.body.setSpacing(4)
        self.body.addLayout(self.head)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._line = theme.color("line")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """The line above."""
        painter = QPainter(self)
        painter.setPen(self._line)
        painter.drawLine(0, 0, self.width(), 0)
        painter.end()


class WalkList(RowTable):
    """The revealed steps, as tall as they are up to ``TALLEST`` rows; Ctrl+C copies them."""

    TALLEST = 14

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.steps = WalkModel(self)
        self.setModel(self.steps)
        self.header().setVisible(False)
        self.plan = ColumnPlan(self, self.header(), self.steps)
        self.setAccessibleName("Steps of the walk")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def fit(self) -> None:
        """Take the height of what is revealed, and the widths of what there is to reveal."""
        self.setFixedHeight(min(self.steps.count(), self.TALLEST) * (self.fontMetrics().height() + ROW_AIR))
        self.setVisible(self.steps.count() > 0)
        self._share()
        if self.steps.count():
            self.scrollTo(self.steps.index(self.steps.count() - 1, 0))

    def _share(self) -> None:
        """Widths of the columns. Where names do not fit, "hit" becomes a mark; then names give way, pids do not."""
        steps = self.steps.steps[:MOST]
        longest = max(steps, key=lambda step: len(who(step)), default=None)
        self.plan.samples = {
            "task": who(longest) if longest else "worker 00",
            "span": max((places.shown().span(s.start, s.end) for s in steps if s.start >= 0), key=len, default="–"),
            "vpn": max((places.shown().at(s.vpn) for s in steps), key=len, default="0"),
            "number": "0" * len(str(len(steps))),
        }
        self.plan.plan()
        letters = 0
        if longest is not None and not self._fits(who(longest)):
            self.plan.samples = {**self.plan.samples, "hit": "✗"}
            self.plan.plan()
            most = len(who(longest))
            letters = next((n for n in range(most, 1, -1) if self._fits(who(longest, n))), 1)
        if letters != self.steps.letters:
            self.steps.letters = letters
            self.steps.touch_rows(0, self.steps.count() - 1)

    def _fits(self, task: str) -> bool:
        width = self.header().sectionSize(self.steps.column("task")) - 2 * PAD
        return self.fontMetrics().horizontalAdvance(task) <= width

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Share the new width out."""
        super().resizeEvent(event)
        self._share()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        super().set_theme(theme)
        self.steps.set_theme(theme)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Copy; everything else is Qt's."""
        if event.matches(QKeySequence.StandardKey.Copy):
            rows = sorted(i.row() for i in self.selectionModel().selectedRows()) or list(range(self.steps.count()))
            lines = [step_line(row + 1, self.steps.steps[row]) for row in rows]
            QGuiApplication.clipboard().setText("\n".join(lines))
            return
        super().keyPressEvent(event)

    def place_of(self, index: QModelIndex) -> tuple[int, int]:
        """(pid, page number) of a step."""
        step = self.steps.steps[index.row()]
        return step.pid, step.vpn

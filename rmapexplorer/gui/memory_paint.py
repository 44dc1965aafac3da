"""Painting of the memory map: QPainter calls over the arrays of a frame, only for the rows and columns that show.

Where a row has more vmas than half its pixels, each pixel column takes the colour of what covers most of it.
"""

from __future__ import annotations

import numpy as np
from attrs import frozen
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QFontMetricsF, QImage, QPainter, QPainterPath, QPen

from rmapexplorer.gui import memory_geometry as geo
from rmapexplorer.gui import memory_pages as pages
from rmapexplorer.gui import memory_style as style
from rmapexplorer.gui import places
from rmapexplorer.gui.memory_dense import Strip, pictures, strips
from rmapexplorer.gui.memory_motion import Motion
from rmapexplorer.gui.memory_paint_live import RADIUS, dragged, faded, moving, slide_in
from rmapexplorer.gui.memory_scene import Scene, Visit

NARROW = 6.0
"""Boxes under this many pixels are plain rectangles, drawn in batches."""
MOST_GHOSTS = 64
MOST_ROUND = 600
"""Boxes in all rows that get round corners; where there are more all are plain."""
MOST_WORDS = 350
MOST_CLASSED = 20_000
"""Frames with more vmas are not searched for the classes that occur."""
WASHED = 8.0
"""The selected page is washed with its colour where it is wider than so many pixels."""
LEAST_WORD = 14.0
"""A narrower box has no room for a word."""


@frozen
class Crowd:
    """How much there is to paint, and so how carefully: boxes without round corners, words in the widest boxes only."""

    plain: bool
    word: float
    """Narrowest box that gets a word, in pixels."""

    @classmethod
    def of(cls, s: Scene, lines: list[Strip]) -> Crowd:
        """The crowd in rows drawn box by box."""
        widths = [strip.x1 - strip.x0 for strip in lines if not strip.crowded(s) and not s.rows.folded[strip.row]]
        every = np.concatenate(widths) if widths else np.empty(0)
        word = float(np.partition(every, -MOST_WORDS)[-MOST_WORDS]) if len(every) > MOST_WORDS else 0.0
        return cls(plain=len(every) > MOST_ROUND, word=max(word, LEAST_WORD))


def paint(p: QPainter, s: Scene, motion: Motion | None = None) -> None:
    """The whole map; ``motion`` is under way or not."""
    p.setRenderHint(QPainter.RenderHint.Antialiasing)
    rows = s.visible()
    p.save()
    p.setClipRect(QRectF(0, s.top, s.gutter + s.window.width + 20, s.height - s.top))
    for row in rows:
        p.save()
        slide_in(p, s, row, motion)
        _gutter(p, s, row)
        p.restore()
    p.setClipRect(QRectF(s.gutter - 2, s.top - 2, s.window.width + 4, s.height - s.top + 2))
    p.translate(s.gutter, 0)
    lines = strips(s, rows)
    images, crowd = pictures(s, [strip for strip in lines if strip.crowded(s)]), Crowd.of(s, lines)
    columns = pages.Columns.of(s)
    for strip in lines:
        p.save()
        slide_in(p, s, strip.row, motion)
        _row(p, s, strip, images.get(strip.row), crowd, columns)
        p.restore()
    _spots(p, s, rows)
    _marked_span(p, s)
    if motion is not None:
        moving(p, s, motion)
    if s.live is not None:
        dragged(p, s, s.live)
    p.restore()
    p.save()
    p.translate(s.gutter, 0)
    _axis(p, s)
    _caption(p, s)
    p.restore()


def _axis(p: QPainter, s: Scene) -> None:
    p.setFont(s.fonts.mono)
    p.setPen(s.color("dim"))
    base = s.top - 6
    labels = geo.ticks(s.axis, s.window, s.fonts.mono_metrics.horizontalAdvance)
    for x, text in labels:
        p.drawText(QPointF(x, base), text)
    _unit(p, s, base)
    p.setPen(s.color("faint"))
    taken = [(x, x + s.fonts.mono_metrics.horizontalAdvance(text)) for x, text in labels]
    for low, high in geo.breaks(s.axis, s.window):
        middle, half = (low + high) / 2, 5.0
        if not any(a < middle + half and middle - half < b for a, b in taken):
            p.drawText(QRectF(middle - 12, base - 12, 24, 14), Qt.AlignmentFlag.AlignCenter, "⋯")
            taken.append((middle - half, middle + half))


def _unit(p: QPainter, s: Scene, base: float) -> None:
    """Left of the axis: whether its numbers are those of pages or of bytes."""
    word = "address" if places.shown().in_bytes else "page"
    p.setFont(s.fonts.small)
    wide = QFontMetricsF(s.fonts.small).horizontalAdvance(word)
    if wide + 8 < s.gutter:
        p.save()
        p.setClipping(False)
        p.drawText(QPointF(-wide - 8, base), word)
        p.restore()
    p.setFont(s.fonts.mono)


def _caption(p: QPainter, s: Scene) -> None:
    if not s.caption:
        _legend(p, s, [(0.0, s.window.width)])
        return
    vpn = s.vpn if s.vpn >= 0 else next(iter(s.spots.values()))[0]
    own = s.window.x(s.axis.unit(vpn + 0.5))
    metrics = QFontMetricsF(s.fonts.strong)
    most = s.window.width + s.gutter - 16  # over the column of names too, where it is long
    words = metrics.elidedText(s.caption, Qt.TextElideMode.ElideRight, most)
    wide = metrics.horizontalAdvance(words)
    x = min(max(float(own) - wide / 2, 0.0), s.window.width - wide)
    p.setFont(s.fonts.strong)
    p.setPen(s.color("warn"))
    p.drawText(QPointF(x, _caption_base(s)), words)
    _legend(p, s, [(0.0, x - 14), (x + wide + 16, s.window.width)])


def _present(s: Scene) -> list[style.Class]:
    """The classes that occur, but for families; all of them where a frame has very many vmas."""
    every = style.CLASSES[s.mode]
    if s.present[0] is not s.frame or s.present[1] != s.mode:
        found = frozenset(range(len(every)))
        if len(s.frame.vmas.start) <= MOST_CLASSED:
            rows = slice(0, len(s.frame.vmas.start))
            found = frozenset(np.unique(style.classes(s.mode, s.frame.vmas, rows, s.frame.labels)).tolist())
        s.present = (s.frame, s.mode, found)
    least = style.ORPHAN if s.mode == "anon_vma" else 0
    return [entry for i, entry in enumerate(every) if i in s.present[2] and i >= least]


def _caption_base(s: Scene) -> float:
    # the line above the page numbers of the axis
    return s.top - 8 - s.fonts.mono_metrics.height()


def _legend(p: QPainter, s: Scene, rooms: list[tuple[float, float]]) -> None:
    """What the colours stand for, as far as there is room beside the caption; boxes name their families themselves."""
    if s.mode == "sharing" and s.frame.vmas.pages is not None:
        return  # told page by page, by the legend below
    entries = _present(s)
    p.setFont(s.fonts.small)
    metrics, base = QFontMetricsF(s.fonts.small), _caption_base(s)
    size = round(metrics.xHeight() * 1.3)
    rooms = list(rooms)
    left, right = rooms.pop(0)
    for entry in entries:
        wide = metrics.horizontalAdvance(entry.word) + size + 5
        while left + wide > right and rooms:
            left, right = rooms.pop(0)
        if left + wide > right:
            break
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(s.color(entry.token))
        p.drawRoundedRect(QRectF(left, base - size, size, size), 2, 2)
        p.setPen(s.color("dim"))
        p.drawText(QPointF(left + size + 4, base), entry.word)
        left += wide + 12


def _gutter(p: QPainter, s: Scene, row: int) -> None:
    tasks, task = s.frame.tasks, int(s.rows.task[row])
    y, height = s.y(row), s.box_height
    own = not s.rows.folded[row]
    if own and task == s.task:
        band = QRectF(4, s.top + row * s.pitch - s.scroll + 1, s.gutter + s.window.width + 6, s.pitch - 2)
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(faded(s.color("sel"), 0.55))
        p.drawRoundedRect(band, 5, 5)
        p.setBrush(s.color("accent"))
        p.drawRoundedRect(QRectF(4, band.y() + 3, 3, band.height() - 6), 1.5, 1.5)
    left, right = (str(tasks.comm[task]), str(tasks.pid[task])) if own else ("", "")
    if not own:
        left, right = f"▸ × {s.rows.count[row]:,} like", str(tasks.pid[task])
    elif task in s.unfolded:
        left = f"▾ {left}"
    p.setFont(s.fonts.mono)
    wide = s.fonts.mono_metrics.horizontalAdvance(right)
    p.setPen(s.color("dim"))
    y, height = y - 5, height + 10  # letters with tails are taller than boxes where the text is large
    p.drawText(QRectF(0, y, s.gutter - 12, height), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, right)
    p.setFont(s.fonts.strong if own and task == s.task else s.fonts.row)
    p.setPen(s.color("text") if own else s.color("dim"))
    room = s.gutter - 12 - wide - 8 - 14
    text = QFontMetricsF(p.font()).elidedText(left, Qt.TextElideMode.ElideRight, room)
    p.drawText(QRectF(14, y, room + 2, height), Qt.AlignmentFlag.AlignVCenter, text)


def _row(p: QPainter, s: Scene, strip: Strip, picture: QImage | None, crowd: Crowd, columns: pages.Columns) -> None:
    row, shown, x0, x1 = strip.row, strip.shown, strip.x0, strip.x1
    y, height = s.y(row), s.box_height
    folded = bool(s.rows.folded[row])
    if folded:
        y, height = y + 2, height - 6
    _tracks(p, s, y, height)
    if picture is not None:
        p.drawImage(QRectF(0, y, s.window.width, height), picture)
        wide = pages.pages_of(s, strip, columns)
        if wide is not None:
            pages.draw(p, s, wide, y, height)
        if not folded:
            _outlines(p, s, row, shown, x0, x1, y, height)
        return
    if folded:
        _folded(p, s, x0, x1, y, height)
        return
    kinds, states = style.classes(s.mode, s.frame.vmas, shown, s.frame.labels), style.states(s.frame.vmas, shown)
    away = geo.moved(
        s.frame.vmas.start[shown], s.frame.vmas.pgoff[shown], s.frame.vmas.flags[shown], s.frame.vmas.file[shown]
    )
    for i in np.flatnonzero(away)[:MOST_GHOSTS].tolist():
        _ghost(p, s, shown.start + i, y, height, int(kinds[i]))
    paged = pages.pages_of(s, strip, columns)
    plated = states == style.SWAPPED
    if paged is not None:
        plated[paged.boxes] = True
        states[paged.boxes] = 0  # page by page instead
    _boxes(p, s, x0, x1, kinds, states, y, height, crowd.plain)
    if paged is not None:
        pages.draw(p, s, paged, y, height)
    _stripes(p, s, shown, x0, x1, y, height)
    _words(p, s, row, shown, x0, x1, away, kinds, states, y, height, crowd.word, plated)
    for i in np.flatnonzero(away)[:MOST_GHOSTS].tolist():
        _thread(p, s, shown.start + i, y, height, int(kinds[i]))
    _outlines(p, s, row, shown, x0, x1, y, height)


def _tracks(p: QPainter, s: Scene, y: float, height: float) -> None:
    clusters = s.axis.clusters
    if not len(clusters):
        return
    x0, x1 = s.edges(clusters[:, 0], clusters[:, 1])
    keep = (x1 >= -2) & (x0 <= s.window.width + 2)
    p.setPen(Qt.PenStyle.NoPen)
    p.setBrush(faded(s.color("hole"), 0.9))
    low, high = np.clip(x0[keep], -4, None), np.clip(x1[keep], None, s.window.width + 4)
    p.drawRects([QRectF(a, y, b - a, height) for a, b in zip(low.tolist(), high.tolist(), strict=True)])


def _folded(p: QPainter, s: Scene, x0: np.ndarray, x1: np.ndarray, y: float, height: float) -> None:
    p.setBrush(faded(s.color("faint"), 0.28))
    p.setPen(QPen(faded(s.color("faint"), 0.8), 1))
    spans = list(zip(x0.tolist(), x1.tolist(), strict=True))
    for shift in (4.0, 2.0, 0.0):
        p.drawRects([QRectF(a, y + shift, max(b - a - 1, 1.0), height - 2) for a, b in spans])


def _boxes(
    p: QPainter,
    s: Scene,
    x0: np.ndarray,
    x1: np.ndarray,
    kinds: np.ndarray,
    states: np.ndarray,
    y: float,
    height: float,
    plain: bool,
) -> None:
    p.setRenderHint(QPainter.RenderHint.Antialiasing, not plain)
    wide = np.maximum(x1 - x0 - np.where(x1 - x0 > NARROW, 1.0, 0.0), 1.5)
    names = style.CLASSES[s.mode]
    for code in np.unique(kinds * 4 + states).tolist():
        kind, state = divmod(code, 4)
        color = s.color(names[kind].token)
        light = state == style.UNTOUCHED or names[kind].token == "other"
        p.setBrush(faded(color, 0.16 if state == style.UNTOUCHED else 0.45) if light else color)
        p.setPen(QPen(color, 1.2) if light else Qt.PenStyle.NoPen)
        mine = np.flatnonzero(kinds * 4 + states == code)
        rects = [QRectF(x, y, w, height) for x, w in zip(x0[mine].tolist(), wide[mine].tolist(), strict=True)]
        small = rects if plain else [r for r in rects if r.width() < NARROW]
        if small:
            if not (plain and light):
                p.setPen(Qt.PenStyle.NoPen)
            p.drawRects(small)
            p.setPen(QPen(color, 1.2) if light else Qt.PenStyle.NoPen)
        for r in rects if not plain else ():
            if r.width() >= NARROW:
                inset = 0.6 if light else 0.0
                round_ = min(RADIUS, r.width() / 6)
                p.drawRoundedRect(r.adjusted(inset, inset, -inset, -inset), round_, round_)
        if state == style.SWAPPED:
            p.setPen(Qt.PenStyle.NoPen)
            p.setBrush(QBrush(faded(s.theme.on(color), 0.55), Qt.BrushStyle.BDiagPattern))
            p.drawRects(rects)
    p.setRenderHint(QPainter.RenderHint.Antialiasing)


def _stripes(p: QPainter, s: Scene, shown: slice, x0: np.ndarray, x1: np.ndarray, y: float, height: float) -> None:
    """File memory that has an anon_vma carries its family as a stripe along the bottom."""
    if s.mode != "anon_vma":
        return
    vmas = s.frame.vmas
    both = np.flatnonzero((vmas.file[shown] >= 0) & (vmas.anon[shown] >= 0) & (x1 - x0 > 2))
    p.setPen(Qt.PenStyle.NoPen)
    for i in both.tolist():
        p.setBrush(s.theme.family(int(vmas.anon[shown.start + i])))
        p.drawRoundedRect(QRectF(x0[i], y + height - 4, x1[i] - x0[i] - 1, 4), 2, 2)


def _free_of_bars(s: Scene, row: int, left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Room for words: where the page's bar cuts a box, the wider side of it."""
    left, right = left.copy(), right.copy()
    for vpn in s.spots.get(row, [])[:200]:
        a, b = (float(x) for x in s.edges(vpn, vpn + 1))
        x = (a + b) / 2
        low, high = (a, b) if b - a > WASHED else (x - 2, x + 3)
        for i in np.flatnonzero((left < x) & (x < right)).tolist():
            if x - left[i] > right[i] - x:
                right[i] = low
            else:
                left[i] = high
    return left, right


def _words(
    p: QPainter, s: Scene, row: int, shown: slice, x0: np.ndarray, x1: np.ndarray, away: np.ndarray, kinds: np.ndarray,
    states: np.ndarray, y: float, height: float, least: float, plated: np.ndarray,
) -> None:  # fmt: skip
    p.setFont(s.fonts.box)
    names, by_page = style.CLASSES[s.mode], s.mode == "sharing" and s.frame.vmas.pages is not None
    left, right = _free_of_bars(s, row, np.maximum(x0, 0.0), np.minimum(x1, s.window.width))
    for i in np.flatnonzero((right - left > LEAST_WORD) & (x1 - x0 >= least)).tolist():
        room = float(right[i] - left[i]) - 6
        for word in style.words(s.frame, shown.start + i, bool(away[i])):
            if s.fonts.wide(word) <= room:
                token = names[int(kinds[i])].token
                light = states[i] == style.UNTOUCHED or token == "other"
                token = "panel" if plated[i] and by_page else token
                p.setPen(s.color("text") if light else s.theme.on(s.color(token)))
                box = QRectF(left[i], y, right[i] - left[i] - 1, height)
                if plated[i]:
                    plate = s.fonts.box_metrics.horizontalAdvance(word) + 6
                    p.fillRect(QRectF(box.center().x() - plate / 2, y + 4, plate, height - 8), s.color(token))
                p.drawText(box, Qt.AlignmentFlag.AlignCenter, word)
                break


def _ghost(p: QPainter, s: Scene, i: int, y: float, height: float, kind: int) -> None:
    """Where a moved vma came from: its index still counts from here."""
    vmas = s.frame.vmas
    home = int(vmas.pgoff[i])
    x0, x1 = s.edges(home, home + int(vmas.end[i] - vmas.start[i]))
    box = QRectF(float(x0) + 0.6, y + 0.6, max(float(x1 - x0) - 2.2, 2.0), height - 1.2)
    color = s.color(style.CLASSES[s.mode][kind].token)
    p.setPen(Qt.PenStyle.NoPen)
    p.setBrush(QBrush(faded(color, 0.45), Qt.BrushStyle.BDiagPattern))
    p.drawRoundedRect(box, RADIUS, RADIUS)
    pen = QPen(color, 1.2)
    pen.setDashPattern([3.2, 2.2])
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    p.setPen(pen)
    p.setBrush(Qt.BrushStyle.NoBrush)
    p.drawRoundedRect(box, RADIUS, RADIUS)


def _thread(p: QPainter, s: Scene, i: int, y: float, height: float, kind: int) -> None:
    vmas = s.frame.vmas
    home, length = int(vmas.pgoff[i]), int(vmas.end[i] - vmas.start[i])
    a0, a1 = s.edges(home, home + length)
    b0, b1 = s.edges(int(vmas.start[i]), int(vmas.end[i]))
    a, b = float(a0 + a1) / 2, float(b0 + b1) / 2
    bottom, dip = y + height, min(7.0, s.pitch - s.box_height - 2)
    path = QPainterPath(QPointF(a, bottom))
    path.cubicTo(QPointF(a, bottom + dip), QPointF(b, bottom + dip), QPointF(b, bottom + 1))
    p.setBrush(Qt.BrushStyle.NoBrush)
    p.setPen(QPen(s.color(style.CLASSES[s.mode][kind].token), 1.4))
    p.drawPath(path)
    p.setBrush(p.pen().color())
    p.drawEllipse(QPointF(a, bottom), 2, 2)


def _outlines(
    p: QPainter, s: Scene, row: int, shown: slice, x0: np.ndarray, x1: np.ndarray, y: float, height: float
) -> None:
    p.setBrush(Qt.BrushStyle.NoBrush)
    for visit in s.visited.get(row, ()):
        if shown.start <= visit.vma < shown.stop:
            a, b = float(x0[visit.vma - shown.start]), float(x1[visit.vma - shown.start])
            _visit(p, s, visit, QRectF(a - 2, y - 2.5, max(b - a + 3, 5.0), height + 5))
    chosen = s.vma_at(int(s.rows.task[row]), s.vpn) if s.rows.task[row] == s.task and s.vpn >= 0 else -1
    hover = s.hover[1] if s.hover is not None and s.hover[0] == row else -1
    for vma, pen in ((hover, QPen(faded(s.color("text"), 0.75), 1.2)), (chosen, QPen(s.color("accent"), 2))):
        if shown.start <= vma < shown.stop:
            a, b = float(x0[vma - shown.start]), float(x1[vma - shown.start])
            p.setPen(pen)
            p.drawRoundedRect(QRectF(a - 1, y - 1, max(b - a + 1, 3.0), height + 2), RADIUS + 1, RADIUS + 1)


def _visit(p: QPainter, s: Scene, visit: Visit, box: QRectF) -> None:
    """Solid and green where the walk hits, dashed and grey where it misses, thick where it stands."""
    pen = QPen(s.color("good" if visit.hit else "dim"), 2.6 if visit.now else 1.4)
    if not visit.hit:
        pen.setDashPattern([3.0, 2.0])
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    p.setPen(pen)
    p.drawRoundedRect(box, RADIUS + 2, RADIUS + 2)


def _spots(p: QPainter, s: Scene, rows: range) -> None:
    """The page under discussion: a warm bar wherever it is mapped, and a line from row to row."""
    warm, height = s.color("warn"), s.box_height
    before: QPointF | None = None
    having = np.array(sorted(s.spots), dtype=np.int64)
    low, high = np.searchsorted(having, rows.start), np.searchsorted(having, rows.stop)
    for row in having[max(int(low) - 1, 0) : int(high) + 1].tolist():
        for vpn in s.spots[row][:200]:
            x0, x1 = s.edges(vpn, vpn + 1)
            middle, y = float(x0 + x1) / 2, s.y(row)
            if before is not None:
                p.setPen(QPen(faded(warm, 0.45), 1, Qt.PenStyle.DotLine))
                p.drawLine(QLineF(before, QPointF(middle, y - 3)))
            before = QPointF(middle, y + height + 3)
            if row not in rows:
                continue
            p.setPen(Qt.PenStyle.NoPen)
            if x1 - x0 > WASHED:
                p.setBrush(faded(warm, 0.35))
                p.drawRect(QRectF(float(x0), y, float(x1 - x0), height))
            p.setBrush(s.color("panel"))
            p.drawRect(QRectF(middle - 2.5, y - 3, 5, height + 6))
            p.setBrush(warm)
            p.drawRect(QRectF(middle - 1.5, y - 3, 3, height + 6))


def _marked_span(p: QPainter, s: Scene) -> None:
    if s.span is None:
        return
    task, low, high = s.span
    x0, x1 = s.edges(low, high)
    y = s.y(int(s.rows.of_task[task]))
    p.setPen(QPen(s.color("accent"), 1.5, Qt.PenStyle.DashLine))
    p.setBrush(faded(s.color("accent"), 0.2))
    p.drawRoundedRect(QRectF(float(x0), y - 3, max(float(x1 - x0), 2.0), s.box_height + 6), RADIUS, RADIUS)

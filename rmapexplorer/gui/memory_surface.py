"""The memory map's surface: a frame made into geometry, rows folded, the window on the axis, painting and scrolling.

Everything costly is done once for new vmas; a new selection only folds and repaints.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from attrs import define, evolve
from PySide6.QtCore import QElapsedTimer, QEvent, QPoint, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QFontMetricsF, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QWidget

from rmapexplorer.core.units import Span
from rmapexplorer.engine.frames import Frame
from rmapexplorer.gui import memory_geometry as geo
from rmapexplorer.gui import places
from rmapexplorer.gui.memory_layout import MapLayout
from rmapexplorer.gui.memory_motion import Motion
from rmapexplorer.gui.memory_paint import paint
from rmapexplorer.gui.memory_scene import Fonts, Scene, Visit
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.theme import Theme

SLICE_MS = 5
"""Milliseconds of laying out at a time, between events."""
MOST_VISITS = 500
"""Candidates of a walk that are outlined."""


@define(eq=False)
class Work:
    """A frame that is being laid out."""

    frame: Frame
    layout: MapLayout
    steps: Iterator[None]


class MapSurface(QAbstractScrollArea):
    """The strips: a frame made into a Scene, and the part of it that shows."""

    laid_out = Signal()
    """The scene is made anew: the vmas are others."""

    context_requested = Signal(str, dict, QPoint)
    window_changed = Signal()

    def __init__(self, selection: Selection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.scene: Scene | None = None
        self._selection = selection
        self._theme: Theme | None = None
        self._mode, self._flipped = "anon_vma", False
        self._open: set[int] = set()
        self._work: Work | None = None
        self._later: Frame | None = None
        self.motion = Motion(self)
        self.motion.moved.connect(self.viewport().update)
        self._slices = QTimer(self)
        self._slices.setInterval(0)
        self._slices.timeout.connect(self._slice)
        self.revealed = 0
        """Steps of the walk that are outlined."""
        self._by_keyboard = False
        self._hashes = np.empty(0, np.uint64)
        self._spot_tasks = self._spot_vpns = np.empty(0, np.int64)
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        self.setObjectName("memory_map_canvas")
        self.setAccessibleName("Memory map")
        self.setMinimumSize(240, 90)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        selection.changed.connect(self._selected)

    # --- what is shown

    def settle(self) -> None:
        """Any input ends an animation: what shows is the state."""
        self.motion.end()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._theme = theme
        if self.scene is not None:
            self.scene.theme = theme
        self.viewport().update()

    def set_frame(self, frame: Frame) -> None:
        """Show ``frame``; zoom and unfolded groups stay, the axis and the folding are made anew where vmas changed.

        Frames of very many vmas are laid out in slices: until that is done what was shown before stays.
        """
        before = self.scene
        if self._theme is None:
            raise ValueError("set_theme comes before set_frame")
        if self._work is not None and self._work.frame.generation != frame.generation:
            self._work = self._later = None
        newest = self._work.frame if self._work is not None else before.frame if before is not None else None
        if newest is not None and _same_vmas(newest, frame) and newest.generation == frame.generation:
            if self._work is not None:
                self._work.frame, self._later = frame, None
                return
            assert before is not None
            before.frame = frame
            self._find_spots(frame)
            self._refold()
            return
        if self._work is not None:
            self._later = frame  # what is begun is finished first: frames may come faster than they can be laid out
            return
        layout = MapLayout(vmas=frame.vmas)
        self._work = Work(frame, layout, layout.steps())
        if layout.small:
            layout.run()
            self._install()
        else:
            self._slices.start()

    def finish(self) -> None:
        """Lay out now what is left to do: for pictures of the map."""
        while self._work is not None:
            self._work.layout.run()
            self._install()

    @property
    def laying_out(self) -> bool:
        """True while a large frame is being laid out."""
        return self._work is not None

    def marked(self) -> tuple[int, Span] | None:
        """(pid, span) that is marked, if one is."""
        s = self.scene
        if s is None or s.span is None:
            return None
        task, low, high = s.span
        return int(s.frame.tasks.pid[task]), Span(low, high)

    def _slice(self) -> None:
        """A few milliseconds of laying out."""
        work = self._work
        if work is None:
            self._slices.stop()
            return
        clock = QElapsedTimer()
        clock.start()
        while clock.elapsed() < SLICE_MS:
            if next(work.steps, self) is self:
                self._install()
                return

    def _install(self) -> None:
        work, self._work = self._work, None
        self._slices.stop()
        assert work is not None
        frame, kept = work.frame, None
        if self.scene is not None and self.scene.frame.generation == frame.generation:
            kept = self._kept_pages()
        else:
            self._open.clear()
        self._rebuild(frame, work.layout, kept)
        self._find_spots(frame)
        self._refold()
        self.laid_out.emit()
        later, self._later = self._later, None
        if later is not None:
            self.set_frame(later)

    def _rebuild(self, frame: Frame, layout: MapLayout, kept: tuple[float, float] | None) -> None:
        self._hashes, axis = layout.hashes, layout.axis
        window = geo.Window.fit(axis.length, self._strip_width(), self._flipped)
        if kept is not None:
            low, high = sorted(float(u) for u in axis.unit(np.array(kept)))
            window = window.showing(low, max(high, low + 1e-6), 0.0)
        assert self._theme is not None
        rows = geo.fold_rows(self._hashes)
        fonts = Fonts.of(self.font())
        self.scene = Scene(
            frame=frame, theme=self._theme, fonts=fonts, axis=axis, rows=rows, window=window, mode=self._mode
        )

    def _kept_pages(self) -> tuple[float, float] | None:
        s = self.scene
        if s is None or s.window.is_fit:
            return None
        left = s.window.left
        return s.axis.position(left), s.axis.position(left + s.window.width / s.window.scale)

    def _find_spots(self, frame: Frame) -> None:
        walk = frame.detail.walk if frame.detail is not None else None
        spots = np.array(walk.spots if walk is not None else (), dtype=np.int64).reshape(-1, 2)
        order = np.argsort(frame.tasks.pid, kind="stable")
        at = np.searchsorted(frame.tasks.pid[order], spots[:, 0])
        at = np.minimum(at, max(len(order) - 1, 0))
        known = frame.tasks.pid[order[at]] == spots[:, 0] if len(order) else np.zeros(len(spots), bool)
        self._spot_tasks, self._spot_vpns = order[at[known]] if len(order) else at[:0], spots[known, 1]

    def _refold(self) -> None:
        s = self.scene
        if s is None:
            return
        pids = np.flatnonzero(s.frame.tasks.pid == self._selection.pid)
        s.task, s.vpn = (int(pids[0]) if len(pids) else -1), self._selection.vpn
        s.unfolded = frozenset(np.flatnonzero(np.isin(s.frame.tasks.pid, list(self._open))).tolist())
        s.rows = geo.fold_rows(self._hashes, s.task, s.unfolded)
        s.spots = {}
        for row, vpn in zip(s.rows.of_task[self._spot_tasks].tolist(), self._spot_vpns.tolist(), strict=True):
            if vpn not in s.spots.setdefault(row, []):
                s.spots[row].append(vpn)
        s.visited = self._visited(s)
        s.caption = self._caption(s.frame)
        s.hover = None
        self._describe(s)
        self._place()

    def set_walk_step(self, revealed: int) -> None:
        """Outline the candidates that the first ``revealed`` steps of the walk visit."""
        self.revealed = revealed
        if self.scene is not None:
            self.scene.visited = self._visited(self.scene)
            self.viewport().update()

    def _visited(self, s: Scene) -> dict[int, list[Visit]]:
        walk = s.frame.detail.walk if s.frame.detail is not None else None
        if walk is None or not self.revealed:
            return {}
        tasks = {int(pid): task for task, pid in enumerate(s.frame.tasks.pid.tolist())}
        now = self.revealed - 1 if self.revealed < len(walk.steps) else -1
        found: dict[int, list[Visit]] = {}
        for number, step in enumerate(walk.steps[: self.revealed]):
            if number >= MOST_VISITS and number != now:
                continue
            task = tasks.get(step.pid, -1)
            vma = s.vma_at(task, step.vpn if step.start < 0 else step.start) if task >= 0 else -1
            if vma >= 0:
                found.setdefault(int(s.rows.of_task[task]), []).append(Visit(vma, step.hit, number == now))
        return found

    def _describe(self, s: Scene) -> None:
        tasks = s.frame.tasks
        if s.live is not None:
            self.setAccessibleDescription(f"{s.live.drag.title}: {s.live.text or 'trying it'}")
            return
        words = f"{len(tasks.pid):,} processes, {len(s.frame.vmas.start):,} vmas"
        if s.task >= 0:
            words += f"; selected {tasks.comm[s.task]} {tasks.pid[s.task]}"
            words += f", {places.shown().page(s.vpn)}" if s.vpn >= 0 else ""
            words += f", marked {places.shown().span(s.span[1], s.span[2])}" if s.span is not None else ""
        self.setAccessibleDescription(f"{words}. {s.caption}".strip())

    def _caption(self, frame: Frame) -> str:
        many = len(np.unique(self._spot_tasks))
        if frame.detail is None or not many:
            return ""
        title = places.shown().text(frame.detail.title)
        title = title if title.startswith("page") else places.shown().page(frame.detail.vpn)
        if many == 1:
            return f"{title} is mapped by one process"
        return f"{title} is one frame in {many:,} address spaces"

    def _place(self) -> None:
        """Sizes that follow from the viewport and the number of rows."""
        s, view = self.scene, self.viewport()
        if s is None:
            return
        line = math.ceil(s.fonts.row_metrics.height())
        s.gutter, s.height, s.ratio = self._gutter_width(s), float(view.height()), self.devicePixelRatioF()
        s.top = line + math.ceil(s.fonts.mono_metrics.height()) + 10.0
        n = max(len(s.rows), 1)
        s.pitch = max(line + 9.0, min(46.0, math.floor((s.height - s.top - 4) / n)))
        fit = s.window.is_fit
        s.window = evolve(s.window, width=self._strip_width())
        s.window = geo.Window.fit(s.axis.length, s.window.width, self._flipped) if fit else s.window.panned(0)
        bar = self.verticalScrollBar()
        bar.setSingleStep(round(s.pitch))
        bar.setPageStep(max(1, round(s.height - s.top)))
        bar.setRange(0, max(0, math.ceil(len(s.rows) * s.pitch + s.top + 2 - s.height)))
        s.scroll = float(bar.value())
        view.update()

    def _gutter_width(self, s: Scene) -> float:
        names = sorted(set(s.frame.tasks.comm), key=len)[-8:]
        wide = max((QFontMetricsF(s.fonts.strong).horizontalAdvance(n) for n in names), default=40.0)
        if len(s.rows) and int(s.rows.count.max()) > 1:
            wide = max(wide, s.fonts.row_metrics.horizontalAdvance(f"▸ × {int(s.rows.count.max()):,} like"))
        digits = s.fonts.mono_metrics.horizontalAdvance(
            str(int(s.frame.tasks.pid.max()) if len(s.frame.tasks.pid) else 0)
        )
        return min(max(wide + digits + 40, 84.0), max(84.0, self.viewport().width() * 0.3))

    def _strip_width(self) -> float:
        gutter = self.scene.gutter if self.scene is not None else 110.0
        return max(60.0, self.viewport().width() - gutter - 14.0)

    # --- what the header controls

    def set_mode(self, mode: str) -> None:
        """Colour by one of memory_style.MODES."""
        self._mode = mode
        if self.scene is not None:
            self.scene.mode = mode
        self.viewport().update()

    def set_flipped(self, flipped: bool) -> None:
        """Low addresses on the right; what is in the middle stays there."""
        self._flipped = flipped
        if self.scene is not None:
            self.scene.window = evolve(self.scene.window, flipped=flipped)
        self.viewport().update()

    def reset(self) -> None:
        """The whole axis again."""
        if self.scene is not None:
            self._look(geo.Window.fit(self.scene.axis.length, self.scene.window.width, self._flipped))

    def zoom_to(self, start: int, end: int) -> None:
        """Let the pages from ``start`` to ``end`` fill most of the window."""
        s = self.scene
        if s is not None:
            low, high = (float(u) for u in s.axis.unit(np.array([start, end])))
            self._look(s.window.showing(low, high, 0.15, geo.widest_scale(s.axis, (low + high) / 2)))

    def zoom(self, factor: float, x: float) -> None:
        """Zoom by ``factor`` around pixel ``x`` of the viewport; the page there stays there."""
        s = self.scene
        if s is not None:
            at = min(max(x - s.gutter, 0.0), s.window.width)
            self._look(s.window.zoomed(factor, at, geo.widest_scale(s.axis, s.window.unit(at))))

    def _look(self, window: geo.Window) -> None:
        assert self.scene is not None
        self.scene.window = window
        self.window_changed.emit()
        self.viewport().update()

    def toggle(self, leader: int) -> None:
        """Unfold or fold the group of processes whose first is row ``leader`` of TaskRows."""
        if self.scene is not None:
            self._open ^= {int(self.scene.frame.tasks.pid[leader])}
            self._refold()

    def _scrolled(self, value: int) -> None:
        if self.scene is not None:
            self.scene.scroll = float(value)
            self.viewport().update()

    def _selected(self, pid: int, vpn: int) -> None:
        self._refold()
        self.reveal()

    def reveal(self) -> None:
        """Scroll and pan as little as it takes to show the selection."""
        s, bar = self.scene, self.verticalScrollBar()
        if s is None or s.task < 0:
            return
        top = round(int(s.rows.of_task[s.task]) * s.pitch)
        room = round(s.height - s.top - s.pitch)
        bar.setValue(min(max(bar.value(), top - room), top))
        if s.vpn >= 0 and not s.window.is_fit:
            x = float(s.window.x(s.axis.unit(s.vpn + 0.5)))
            if not 0 <= x <= s.window.width:
                self._look(s.window.panned(s.window.width / 2 - x))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Everything that shows."""
        if self.scene is None:
            return
        painter = QPainter(self.viewport())
        paint(painter, self.scene, self.motion)
        if self._by_keyboard:
            painter.setPen(QPen(self.scene.color("accent"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.viewport().rect()).adjusted(2.5, 1.5, -2.5, -1.5), 5, 5)
        painter.end()

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """The focus ring is for those who came by keyboard."""
        super().focusInEvent(event)
        reasons = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)
        self._by_keyboard = event.reason() in reasons
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """No ring."""
        super().focusOutEvent(event)
        self._by_keyboard = False
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Fit stays fit."""
        super().resizeEvent(event)
        self._place()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Another font: other metrics."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and self.scene is not None:
            self.scene.fonts = Fonts.of(self.font())
            self._place()


def _same_vmas(one: Frame, other: Frame) -> bool:
    """Whether two frames have the very same vmas, so that axis and folding stay."""
    columns = ("start", "end", "flags", "pgoff", "first")
    return all(getattr(one.vmas, column) is getattr(other.vmas, column) for column in columns)

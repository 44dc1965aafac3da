"""The memory map: every process a strip on one address axis, the selected page a warm bar in all of them.

The panel with its header, strips and their table twin; mouse and keys are in memory_canvas and memory_keys, geometry is
in memory_geometry, painting in memory_paint.
"""

from __future__ import annotations

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from rmapexplorer.core.units import Span
from rmapexplorer.engine.frames import Frame
from rmapexplorer.gui import memory_style as style
from rmapexplorer.gui.memory_canvas import MapCanvas
from rmapexplorer.gui.memory_legend import Legend, Sign, occurring, sample_tokens, with_walk
from rmapexplorer.gui.memory_table import MapTable
from rmapexplorer.gui.models.base import plural
from rmapexplorer.gui.panel import HeaderButton, HeaderChoice, Panel
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.theme import Theme, Themes

HINT = "Drag a vma or its end, or the background to pan · Alt-drag cuts, Shift-drag marks · Ctrl+arrows"
KEYS = (
    "While a vma is dragged it is drawn to its home, to its neighbours and to the borders of gaps; Shift, pressed after the "
    "drag began, turns that off (pressed before it marks a span, Alt cuts). Arrows select, Shift+arrows go from vma to vma, "
    "Ctrl+arrows carry the vma or its end, Page Up and Down go from border to border, Enter drops, Esc cancels; "
    "Ctrl+Shift+arrows mark a span, Enter opens its menu"
)
EMPTY = "No process lives here. Step on, start one with Operate > New process, or open a scenario."


class MemoryMap(Panel):
    """The panel: header with the colouring and the direction of the axis, the strips (or their table) below."""

    requested = Signal(str, dict)
    context_requested = Signal(str, dict, QPoint)

    def __init__(self, selection: Selection, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__("Memory map", parent)
        self.setObjectName("memory_map")
        self.canvas = MapCanvas(selection)
        self.canvas.setToolTip("")
        self.table = MapTable(selection)
        self._body_pages = QStackedWidget()
        for page in (self.canvas, self.table):
            self._body_pages.addWidget(page)
        self.set_body(self._body_pages)
        self.setFocusProxy(self.canvas)
        self._frame: Frame | None = None
        self._signs: list[Sign] = []
        self._add_controls()
        self.legend = Legend(HINT)
        self.set_footer_widget(self.legend)
        self.setWhatsThis(f"{HINT}. {KEYS}.")
        self.colour.chosen.connect(self.canvas.set_mode)
        self.colour.chosen.connect(self._explain)
        self.colour.chosen.connect(self._recolour)
        self.flip.clicked.connect(self._turn)
        self.as_table.toggled.connect(self._show_table)
        self.whole.clicked.connect(self.canvas.reset)
        self.canvas.window_changed.connect(self._zoomed)
        self.canvas.laid_out.connect(self._zoomed)
        self.canvas.laid_out.connect(self._follow_walk)
        for part in (self.canvas, self.table):
            part.context_requested.connect(self.context_requested)
        themes.changed.connect(self.set_theme)
        self.set_theme(themes.current)
        self.set_empty(EMPTY)
        self._zoomed()

    def _add_controls(self) -> None:
        self.colour = HeaderChoice("colour", style.MODES)
        self.colour.setToolTip("What the colours of the vmas stand for")
        self.flip = HeaderButton("low address left", "Turn the address axis round")
        self.as_table = HeaderButton("table", "The same as a table of all vmas")
        self.as_table.setCheckable(True)
        self.whole = HeaderButton("show all", "Zoom out to all addresses (0)")
        before: QWidget = self.canvas
        for button in (self.whole, self.colour, self.flip, self.as_table):
            self.header_layout().addWidget(button)
            QWidget.setTabOrder(before, button)
            before = button

    def inherit(self, old: MemoryMap) -> None:
        """Take over how ``old`` looked at things."""
        self._use_mode(old.colour.key)
        if old.flip.text() != self.flip.text():
            self._turn()
        self.as_table.setChecked(old.as_table.isChecked())
        self.canvas.set_walk_step(old.canvas.revealed)

    def new_session(self) -> None:
        """Another session begins with the colours and the strips that say most of any; the direction is the user's."""
        self._use_mode(next(iter(style.MODES)))
        self.as_table.setChecked(False)

    def _use_mode(self, mode: str) -> None:
        self.colour.set_key(mode)
        self.canvas.set_mode(mode)
        self._recolour(mode)
        self._explain(mode)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        super().set_theme(theme)
        self.canvas.set_theme(theme)
        self.table.set_theme(theme)
        self.legend.set_theme(theme)
        self._explain(self.colour.key)

    def set_frame(self, frame: Frame) -> None:
        """Show the processes of ``frame``."""
        self._frame = frame
        self.canvas.set_frame(frame)
        if self.as_table.isChecked():
            self.table.set_frame(frame)
        self.set_empty(None if len(frame.tasks.pid) else EMPTY)
        self._sign(frame)
        self._zoomed()

    @property
    def working(self) -> bool:
        """True while it lays out what it was told."""
        return self.canvas.laying_out

    def marked(self) -> tuple[int, Span] | None:
        """(pid, span) that is marked in the strips, if one is."""
        return self.canvas.marked()

    def _sign(self, frame: Frame) -> None:
        scene = self.canvas.scene
        self._signs = occurring(frame, bool(scene is not None and scene.spots))
        self._recolour(self.colour.key)

    def _recolour(self, mode: str) -> None:
        if self._frame is not None:
            self.legend.set_colours(mode, sample_tokens(self._frame, mode))
            self._follow_walk()

    def _follow_walk(self) -> None:
        view = self._frame.view if self._frame is not None else ""
        self.legend.set_signs(with_walk(self._signs, self.canvas.scene), view)

    def set_walk_step(self, revealed: int) -> None:
        """Outline what the first ``revealed`` steps of the walk visit."""
        self.canvas.set_walk_step(revealed)
        self._follow_walk()

    def _explain(self, mode: str) -> None:
        """The whole legend as the tooltip of the colouring: beside the strips it stands as far as there is room."""
        theme = self._theme
        if theme is None:
            return
        lines = []
        for entry in style.CLASSES[mode]:
            token = entry.token
            color = theme.family(int(token[4:])) if token.startswith("fam:") else theme.color(token)
            lines.append(f'<font color="{color.name()}">■</font> {entry.word}')
        self.colour.setToolTip("What the colours of the vmas stand for<br>" + "<br>".join(lines))

    def _turn(self) -> None:
        flipped = not self.flip.text().endswith("right")
        self.flip.setText("low address right" if flipped else "low address left")
        self.canvas.set_flipped(flipped)

    def _show_table(self, shown: bool) -> None:
        self.canvas.abandon()
        self._body_pages.setCurrentWidget(self.table if shown else self.canvas)
        self.setFocusProxy(self.table if shown else self.canvas)
        for button in (self.colour, self.flip):
            button.setEnabled(not shown)  # not hidden: what was pressed stays under the mouse
        self.legend.setVisible(not shown)
        self.set_footer("Click a row to select it · right-click for its menu" if shown else "")
        if shown and self._frame is not None:
            self.table.set_frame(self._frame)
        self._zoomed()

    def _zoomed(self) -> None:
        scene = self.canvas.scene
        zoomed = scene is not None and not scene.window.is_fit
        self.whole.setVisible(zoomed and not self.as_table.isChecked())
        n = len(self._frame.vmas.start) if self._frame is not None else 0
        self.set_hint("laying out …" if self.canvas.laying_out and not self.as_table.isChecked() else plural(n, "vma"))

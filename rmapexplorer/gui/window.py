"""The main window: it joins views, bridge, actions and files. It holds no rules and no numbers of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QMainWindow, QToolButton, QVBoxLayout, QWidget
from shiboken6 import isValid

from rmapexplorer.core.operations import Operation
from rmapexplorer.engine.frames import Frame, Notice, PathChanged, Progress, Saved, SessionOpened
from rmapexplorer.gui import leaving, places, targets
from rmapexplorer.gui.action_records import State
from rmapexplorer.gui.actions import ActionSet
from rmapexplorer.gui.bridge import Bridge
from rmapexplorer.gui.commands import Commands
from rmapexplorer.gui.features import FEATURES
from rmapexplorer.gui.features.base import Feature
from rmapexplorer.gui.feeder import Feeder
from rmapexplorer.gui.fence import Fence
from rmapexplorer.gui.files import Dialogs, Files, QtDialogs
from rmapexplorer.gui.first_look import FirstLook
from rmapexplorer.gui.layout import PLACES, Layout
from rmapexplorer.gui.looks import Looks
from rmapexplorer.gui.menus import Menus
from rmapexplorer.gui.messagebar import MessageBar
from rmapexplorer.gui.placement import LEAST, WISH
from rmapexplorer.gui.player import Player
from rmapexplorer.gui.renewal import renewed
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.settings import Settings
from rmapexplorer.gui.statusbar import StatusBar
from rmapexplorer.gui.theme import Theme, Themes
from rmapexplorer.gui.toolbar import ToolBar
from rmapexplorer.gui.trouble import FAULT, Trouble
from rmapexplorer.gui.views import make_views
from rmapexplorer.gui.welcome import Welcome

if TYPE_CHECKING:
    from rmapexplorer.gui.help import HelpWindow

EDGE = 9
"""Room between the panels and the window's border, in device-independent pixels."""

ViewMaker = Callable[[Selection, Themes], Mapping[str, QWidget]]
"""Makes one view for each dock, by its name."""


class MainWindow(QMainWindow):
    """``ready`` is told when a frame with its details was handed to every view."""

    ready = Signal()
    submitted = Signal(list)
    """The user runs these operations."""

    def __init__(
        self,
        bridge: Bridge,
        settings: Settings,
        themes: Themes,
        dialogs: Dialogs | None = None,
        views: ViewMaker | None = None,
    ) -> None:
        super().__init__()
        self.trouble: Trouble | None = None
        self.bridge, self.settings, self.themes = bridge, settings, themes
        self.selection = Selection()
        self.frame: Frame | None = None
        self.siblings: tuple[str, ...] = ()
        self._sure = False
        self.first_look = FirstLook(self)
        self.ending = False
        """The process was told to end: no questions, and what is not saved is kept aside."""
        self.setObjectName("main")
        self.setAcceptDrops(True)
        self.files = Files(bridge, settings, dialogs or QtDialogs(self), self)
        self.actions_ = ActionSet(themes.current, self)
        self.commands = Commands(self)
        self.player = Player(settings.speed, self)
        self.view_maker = views or make_views
        self.feeder = Feeder(self, [place.name for place in PLACES])
        self.views: dict[str, Any] = dict(self.view_maker(self.selection, themes))
        self.toolbar = ToolBar(self.actions_, themes.current, self)
        self.statusbar = StatusBar(self)
        self.messagebar = MessageBar(themes.current)
        self.welcome = Welcome(themes.current)
        self.help: HelpWindow | None = None
        self.features: list[Feature] = [kind(self) for kind in FEATURES]
        self.commands.add(self.features)
        self.looks = Looks(self)
        self._build()
        self._connect()
        self._title()
        self.looks.restyle(themes.current)
        self._themed(themes.current)
        for feature in self.features:
            feature.built()

    def _build(self) -> None:
        self.setContentsMargins(EDGE, 0, EDGE, EDGE)
        self.addActions(self.actions_.all())
        self.actions_.build_menus(self.menuBar())
        self.addToolBar(self.toolbar)
        strip = QWidget()
        column = self._bars = QVBoxLayout(strip)
        column.setContentsMargins(3, 6, 3, 0)
        column.setSpacing(6)
        column.addWidget(self.welcome)
        column.addWidget(self.messagebar)
        self.addToolBarBreak()
        self.notes = self.addToolBar("Messages")
        self.notes.setObjectName("notes")
        self.notes.setMovable(False)
        self.notes.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.notes.setStyleSheet("QToolBar { border: none; padding: 0; }")
        self.notes.addWidget(strip)
        self.setStatusBar(self.statusbar)
        self.resize(WISH)
        self.setMinimumSize(LEAST)  # else the panels' own: with large text they made it larger than the screen
        self.docks = Layout(self, self.views)
        self.menus = Menus(self)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.DefaultContextMenu)

    def _connect(self) -> None:
        bridge = self.bridge
        for signal, slot in (
            (bridge.frame, self._framed), (bridge.path, self._pathed), (bridge.metrics, self.feeder.feed),
            (bridge.progress, self._progressed), (bridge.notice, self.show_notice), (bridge.opened, self._opened),
            (bridge.saved, self._saved), (self.files.changed, self._title), (self.files.notice, self.show_notice),
            (self.actions_.triggered, self.commands.run), (self.toolbar.design_chosen, bridge.view),
            (self.statusbar.cancel_requested, bridge.cancel), (self.selection.changed, self._selected),
            (self.themes.changed, self._themed), (self.player.wanted, bridge.seek),
            (self.player.playing_changed, self._playing), (self.player.speed_changed, self._speeded),
            (self.welcome.chosen, self._welcomed), (self.messagebar.closed, self.strip_changed),
            (self.messagebar.offered, self.commands.run),
        ):  # fmt: skip
            signal.connect(slot)
        for told in (bridge.path, bridge.metrics, bridge.progress, bridge.notice, bridge.opened, bridge.saved):
            told.connect(self._tell_features)
        for name, view in self.views.items():
            self.listen(view)
            self.docks.docks[name].visibilityChanged.connect(
                lambda shown, n=name: self.feeder.refresh(n) if shown else None
            )

    def listen(self, view: QWidget) -> None:
        """Hear what a view says."""
        for signal_name, slot in (
            ("requested", self.commands.run),
            ("context_requested", self._context),
            ("seek_requested", self._seek),
            ("walk_step_changed", self._walked),
            ("levelled", self.docks.shares.soon),
            ("asked", lambda question, reply: self._asked(view, question, reply)),
        ):
            if hasattr(view, signal_name):
                getattr(view, signal_name).connect(slot)

    def _asked(self, view: QWidget, question: Any, reply: Callable[[Any], None]) -> None:
        # views are made anew when the text changes its size: an answer may come to one that is gone
        self.bridge.ask(question, lambda value: reply(value) if isValid(view) else None)

    def rebuild(self) -> None:
        """New views in the place of the present ones, told all that those were told."""
        for _ in renewed(self):
            pass

    # what the engine says

    def _framed(self, frame: Frame) -> None:
        self.frame = frame
        self.first_look.framed(frame)
        with Fence() as fence:
            fence.call(self.feeder.set_frame, frame)
            fence.call(self.statusbar.set_frame, frame)
            fence.call(self.toolbar.set_designs, [(state.key, state.title) for state in frame.designs], frame.view)
            fence.call(self.player.shown, frame.position, frame.head)
            if self.commands.form is not None:
                fence.call(self.commands.form.offer, targets.tasks(frame))
            fence.call(self._rule)
            fence.call(self.menus.set_frame, frame)
            for feature in self.features:
                fence.call(feature.set_frame, frame)
        if frame.detail is not None or self.selection.pid == 0:
            self.ready.emit()

    def _pathed(self, message: PathChanged) -> None:
        self.feeder.feed(message)
        self.commands.path_changed(message)

    def _tell_features(self, message: Any) -> None:
        with Fence() as fence:
            for feature in self.features:
                fence.call(feature.told, message)

    def _progressed(self, message: Progress) -> None:
        self.statusbar.set_progress(message)
        if message.cancelled:
            self.show_notice(Notice(level="info", text=f"Stopped: {message.title}. What was done so far stays."))
        self._rule()

    def show_notice(self, notice: Notice) -> None:
        if notice.level in ("refused", "error") and self.commands.refused(notice):
            return
        self.messagebar.show_notice(notice)
        self.strip_changed()

    def _opened(self, message: SessionOpened) -> None:
        self.siblings = message.siblings
        self.player.pause()
        self.commands.close_form()
        self.feeder.forget()
        self.frame = None
        self.first_look.opened(message)
        self.welcome.reset()
        self.welcome.setVisible(self.settings.welcome and self.files.title == SCENARIO)
        if self.messagebar.notice is not None and self.messagebar.notice.level != "internal":
            self.messagebar.dismiss()  # it was about what is gone
        if message.report:
            count = len(message.report)
            text = f"{message.title} is open; {count} line{' says' if count == 1 else 's say'} what was skipped."
            if message.report[0].startswith(FAULT):
                text = f"{message.title} is open: the session of a fault; the report says what went wrong."
            self.messagebar.show_notice(Notice(level="info", text=text, details="\n".join(message.report)))
        self.strip_changed()

    def _saved(self, message: Saved) -> None:
        self.show_notice(Notice(level="info", text=f"Saved {message.operations:,} operations in {message.path}."))

    # what the user does

    def submit(self, ops: list[Operation], title: str = "") -> None:
        """Run operations at the position shown."""
        self.player.pause()
        self.submitted.emit(ops)
        self.bridge.submit(ops, title)

    @property
    def position(self) -> int:
        """Operations done at the state shown."""
        return self.frame.position if self.frame is not None else 0

    @property
    def head(self) -> int:
        """Operations of the branch shown."""
        return self.frame.head if self.frame is not None else 0

    def clicked(self) -> bool:
        """Whether a toolbar button is being pressed with the mouse (then Shift means: with options)."""
        return any(button.underMouse() for button in self.toolbar.findChildren(QToolButton))

    def selection_text(self, target: dict[str, Any]) -> str:
        """The target, or what is selected, as one line."""
        if target.get("text"):
            return str(target["text"])
        pid = target.get("pid", self.selection.pid)
        span, vpn = target.get("span"), target.get("vpn", self.selection.vpn if "pid" not in target else -1)
        span = span or targets.vma_at(self.frame, pid, vpn)
        comm = dict(targets.tasks(self.frame)).get(pid, "")
        where = [places.shown().text(f"vma {span}")] if span is not None else []
        where += [places.shown().page(vpn)] if vpn >= 0 else []
        return " ".join([f"{comm} {pid}".strip(), *where])

    def _selected(self, pid: int, vpn: int) -> None:
        if self.frame is not None and not self._asked_already(pid, vpn):
            self.first_look.chosen()
            self.bridge.select(pid, vpn)
        self._rule()

    def _asked_already(self, pid: int, vpn: int) -> bool:
        detail = self.frame.detail if self.frame is not None else None
        return detail is not None and (detail.pid, detail.vpn) == (pid, vpn)

    def _seek(self, position: int) -> None:
        self.commands.run("seek", {"position": position})

    def _walked(self, revealed: int) -> None:
        for name in ("memory_map", "structures"):
            self.views[name].set_walk_step(revealed)

    def _context(self, kind: str, target: dict[str, Any], place: QPoint) -> None:
        if target.get("pid") and not target.get("comm"):
            target = {**target, "comm": dict(targets.tasks(self.frame)).get(target["pid"], "")}
        for feature in self.features:
            target = feature.context(kind, target)
        self.menus.popup(kind, target, place)

    def _rule(self) -> None:
        pid = self.selection.pid
        self.actions_.update_state(
            State(
                position=self.position, head=self.head, pid=pid, selected=pid != 0,
                alive=targets.alive(self.frame, pid), job=self.statusbar.job != 0, playing=self.player.playing,
                recorded=self.frame is not None and self.frame.kernel_length > 0,
                traces=len(self.siblings) > 1,
            )
        )  # fmt: skip

    def _playing(self, playing: bool) -> None:
        self.toolbar.set_playing(playing)
        self.toolbar.set_speed(self.player.speed, playing and not self.player.telling)

    def _speeded(self, per_second: float) -> None:
        self.settings.speed = per_second
        self.toolbar.set_speed(per_second, self.player.playing)

    def _welcomed(self, id_: str) -> None:
        if id_ == "":
            self.settings.welcome = self.settings.welcome and self.welcome.lesson
            self.welcome.hide()
        self.strip_changed()
        if id_:
            self.commands.run(id_, {})

    def add_strip(self, bar: QWidget) -> None:
        """Another bar over the panels, above the welcome and the messages."""
        self._bars.insertWidget(0, bar)
        self.strip_changed()

    def strip_changed(self) -> None:
        """A bar over the panels was shown or hidden."""
        bars = [item.widget() for item in map(self._bars.itemAt, range(self._bars.count())) if item is not None]
        self.docks.make_room(self.notes, any(not bar.isHidden() for bar in bars if bar is not None))

    def first_start(self) -> None:
        """The program was started by a person: whatever greets them may begin."""
        for feature in self.features:
            feature.first_start()

    # looks

    def use_theme(self, name: str) -> None:
        """Use and remember a theme: one of settings.THEMES."""
        self.looks.use_theme(name)

    def use_text(self, percent: int) -> None:
        """Use and remember a text size in percent."""
        self.looks.use_text(percent)

    def _themed(self, theme: Theme) -> None:
        self.actions_.set_theme(theme)
        for part in (self.toolbar, self.messagebar, self.welcome, self.docks):
            part.set_theme(theme)
        self.menus.set_theme(theme)
        for feature in self.features:
            feature.set_theme(theme)
        if self.commands.form is not None:
            self.commands.close_form()

    def _title(self) -> None:
        self.setWindowTitle(f"{self.files.title}[*] — rmapexplorer")
        self.setWindowModified(self.files.modified)

    def show_page(self, page: str) -> None:
        """Open a page of the help (a key of gui.help_text) in a window of its own."""
        from rmapexplorer.gui.help import HelpWindow

        if self.help is None:
            self.help = HelpWindow(self)
        self.help.show_page(page)

    def save_picture(self, path: str) -> bool:
        """Write what the window shows; False, and a message, where that fails."""
        from rmapexplorer.gui.export_pictures import write_picture

        trouble = write_picture(self.grab().toImage(), path)
        told = trouble or f"Saved a picture of the window in {path}."
        self.show_notice(Notice(level="error" if trouble else "info", text=told))
        return not trouble

    # Qt's events

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        """The default arrangement takes its proportions from the real size."""
        super().showEvent(event)
        self.views["processes"].setFocus()
        if self.settings.layout.isEmpty():
            self.docks.shares.soon()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keep an open form inside."""
        super().resizeEvent(event)
        if self.commands.form is not None:
            self.commands.form.place(self.commands.form.pos())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Files may be dropped."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Open the first file dropped."""
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.files.open(paths[0])

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Ask about unsaved changes first."""
        event.setAccepted(leaving.may_close(self))
        if event.isAccepted():
            leaving.shut(self)

    def end(self) -> None:
        """Close without a question; what is not saved is offered at the next start."""
        self.ending = True
        self.close()


SCENARIO = "the-letter-in-six-operations"
"""What the window opens on; the welcome strip is about it."""


def restore(window: MainWindow) -> None:
    """Size, place and docks as they were left."""
    settings = window.settings
    if not settings.geometry.isEmpty():
        window.restoreGeometry(settings.geometry)
    if not settings.layout.isEmpty():
        window.docks.restore(settings.layout)

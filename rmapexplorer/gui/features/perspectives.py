"""Perspectives, saved layouts and the presentation mode: what the window looks like as a whole."""

from __future__ import annotations

from typing import Any, ClassVar

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtWidgets import QMenu

from rmapexplorer.engine.frames import Notice
from rmapexplorer.gui.action_records import Action
from rmapexplorer.gui.features.base import Feature
from rmapexplorer.gui.menu_tools import emptied
from rmapexplorer.gui.perspectives import PERSPECTIVES

PRESENTING = 150
"""Text size in percent while presenting, at least."""


def _perspective(number: int, name: str, tip: str) -> Action:
    return Action(
        id=f"perspective_{name.lower()}", text=f"&{number}  {name}", menu="View", handler="perspective",
        shortcut=(f"Ctrl+Alt+{number}",), values={"name": name}, submenu="Pers&pective", tip=tip, checkable=True,
    )  # fmt: skip


class Perspectives(Feature):
    """Arranges the docks, remembers arrangements, and makes everything large for a lecture."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        *(_perspective(n, name, one.tip) for n, (name, one) in enumerate(PERSPECTIVES.items(), 1)),
        Action(id="save_layout", text="&Save this layout…", menu="View", handler="save_layout", submenu="Pers&pective",
               shortcut=("Ctrl+Alt+L",), tip="Keep the present arrangement of the panels under a name"),
        Action(id="presentation", text="Pre&sentation", menu="View", handler="presentation", shortcut=("F11",),
               checkable=True, ruled=True, tip="Full screen with large text; again to return"),
        Action(id="reduced_motion", text="Reduced mot&ion", menu="View", handler="reduced_motion", checkable=True,
               shortcut=("Ctrl+Alt+N",), tip="Nothing moves by itself: pictures jump to their new state"),
    )  # fmt: skip

    def built(self) -> None:
        """Tick what is chosen, and list the saved layouts."""
        self._before: tuple[int, bool] | None = None
        self.saved = QMenu("Saved &layouts", self.window)
        self.window.actions_.menus["Perspective"].addMenu(self.saved)
        self.saved.aboutToShow.connect(self._fill)
        self._fill()
        name = self.window.settings.perspective
        self.window.docks.perspective = name if name in PERSPECTIVES else next(iter(PERSPECTIVES))
        if self.window.settings.layout.isEmpty():
            self.window.docks.reset()
        self._mark()
        self._still(self.window.settings.reduced_motion)

    def views_changed(self) -> None:
        """New views move as little as those before."""
        self._still(self.window.settings.reduced_motion)
        self._speak()

    def do_perspective(self, record: Action, given: dict[str, Any]) -> None:
        """Arrange the docks as the perspective says."""
        name = given["name"]
        self.window.settings.perspective = name
        self.window.docks.arrange(name)
        self._mark()

    def do_save_layout(self, record: Action, given: dict[str, Any]) -> None:
        """Keep the present arrangement under a name."""
        if name := given.get("name"):
            self._keep(name)
            return
        from PySide6.QtWidgets import QInputDialog

        dialog = QInputDialog(self.window)
        dialog.setWindowTitle("Save this layout")
        dialog.setLabelText("Name of the layout")
        dialog.setTextValue(f"Layout {len(self.window.settings.arrangements) + 1}")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.textValueSelected.connect(self._keep)
        dialog.open()

    def _keep(self, name: str) -> None:
        name = name.strip()
        if not name:
            self.window.show_notice(Notice(level="error", text="A layout needs a name; type one and save again."))
            return
        states = self.window.settings.arrangements
        states[name] = self.window.docks.state()
        self.window.settings.arrangements = states
        self._fill()

    def use_layout(self, name: str) -> None:
        """Arrange the docks as they were when the layout ``name`` was saved."""
        state = self.window.settings.arrangements.get(name, QByteArray())
        if not self.window.docks.restore(state):
            text = f"The layout {name!r} does not fit this version of the program; the panels were put back."
            self.window.show_notice(Notice(level="error", text=text))

    def forget_layout(self, name: str) -> None:
        """Forget one saved layout."""
        states = self.window.settings.arrangements
        states.pop(name, None)
        self.window.settings.arrangements = states
        self._fill()

    def _fill(self) -> None:
        emptied(self.saved)
        names = list(self.window.settings.arrangements)
        for name in names:
            self.saved.addAction(name.replace("&", "&&")).triggered.connect(lambda _=False, n=name: self.use_layout(n))
        if names:
            self.saved.addSeparator()
            forget = self.saved.addMenu("&Forget")
            for name in names:
                shown = name.replace("&", "&&")
                forget.addAction(shown).triggered.connect(lambda _=False, n=name: self.forget_layout(n))
        self.saved.setEnabled(bool(names))

    def _mark(self) -> None:
        for name in PERSPECTIVES:
            action = self.window.actions_[f"perspective_{name.lower()}"]
            action.setChecked(name == self.window.docks.perspective)
        self._speak()

    def _speak(self) -> None:
        """The caption of the timeline is large where one reads from far."""
        lecture = self.window.docks.perspective == "Teach" or self._before is not None
        self.window.views["timeline"].large = lecture

    def do_presentation(self, record: Action, given: dict[str, Any]) -> None:
        """Full screen and large text, or back."""
        window = self.window
        if self._before is None:
            self._before = (window.settings.text_percent, window.isMaximized())
            window.looks.use_text(max(PRESENTING, window.settings.text_percent), soon=True)
            window.showFullScreen()
        else:
            (percent, maximized), self._before = self._before, None
            window.looks.use_text(percent, soon=True)
            if maximized:
                window.showMaximized()
            else:
                window.showNormal()
        window.actions_["presentation"].setChecked(self._before is not None)
        self._speak()

    def do_reduced_motion(self, record: Action, given: dict[str, Any]) -> None:
        """Let nothing move by itself, or let it again."""
        self.window.settings.reduced_motion = not self.window.settings.reduced_motion
        self._still(self.window.settings.reduced_motion)

    def _still(self, reduced: bool) -> None:
        self.window.actions_["reduced_motion"].setChecked(reduced)
        for view in self.window.views.values():
            view.reduced_motion = reduced

    def closing(self) -> None:
        """The size of text for a lecture is not for the next start."""
        if self._before is not None:
            self.window.settings.text_percent = self._before[0]

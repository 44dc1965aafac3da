"""A file that holds many kernel traces: it is said which one is open, and the others are a step or a choice away."""

from __future__ import annotations

from typing import Any, ClassVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog

from rmapexplorer.engine.frames import Notice, SessionOpened
from rmapexplorer.formats.trace_session import split_path
from rmapexplorer.gui.action_records import Action
from rmapexplorer.gui.features.base import Feature


class Traces(Feature):
    """From one trace of a file to the next, or to any."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="trace_next", text="&Next trace of the file", menu="File", handler="trace_step", submenu="&Kernel traces",
               shortcut=("Alt+PgDown",), needs="traces", values={"by": 1}, tip="Open the next kernel trace of the same file"),
        Action(id="trace_previous", text="&Previous trace of the file", menu="File", handler="trace_step",
               submenu="&Kernel traces", shortcut=("Alt+PgUp",), needs="traces", values={"by": -1},
               tip="Open the kernel trace before it in the same file"),
        Action(id="trace_choose", text="&Choose a trace of the file…", menu="File", handler="trace_choose",
               submenu="&Kernel traces", shortcut=("Ctrl+Alt+PgDown",), needs="traces",
               tip="Choose one of the kernel traces of the file by its name"),
    )  # fmt: skip

    siblings: tuple[str, ...] = ()
    """FILE#NAME of all traces of the file, in order; empty where it holds one."""
    at: int = 0
    """Which of them is open."""

    def told(self, message: Any) -> None:
        """Another session: say which trace it is, and how to come to the others."""
        if not isinstance(message, SessionOpened):
            return
        self.siblings = message.siblings if message.path in message.siblings else ()
        if not self.siblings:
            return
        self.at = self.siblings.index(message.path or "")
        file, name = split_path(self.siblings[self.at])
        self.window.show_notice(
            Notice(
                level="info", offer=("trace_choose", "Choose another…"), details="\n".join(message.report),
                text=f"{name} is open: trace {self.at + 1:,} of the {len(self.siblings):,} in {file.rpartition('/')[2]}. "
                "Alt+Page Down opens the next one.",
            )
        )  # fmt: skip

    def do_trace_step(self, record: Action, given: dict[str, Any]) -> None:
        """The next or the one before; from the last one to the first."""
        self._open((self.at + int(given["by"])) % max(len(self.siblings), 1))

    def do_trace_choose(self, record: Action, given: dict[str, Any]) -> None:
        """Ask which."""
        if not self.siblings:
            return
        names = [f"{number:>3}  {split_path(path)[1]}" for number, path in enumerate(self.siblings, 1)]
        dialog = QInputDialog(self.window)
        dialog.setObjectName("trace_choose")
        dialog.setWindowTitle("Kernel traces of the file")
        dialog.setLabelText("Which trace is to be opened?")
        dialog.setOption(QInputDialog.InputDialogOption.UseListViewForComboBoxItems)
        dialog.setComboBoxItems(names)
        dialog.setTextValue(names[self.at])
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.textValueSelected.connect(lambda text: self._open(names.index(text)))
        dialog.resize(460, 420)
        dialog.open()

    def _open(self, at: int) -> None:
        if at != self.at and self.siblings:
            self.window.files.open(self.siblings[at])

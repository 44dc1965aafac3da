"""What can be done about trouble: show what refused, try again, save a report of a fault in the program."""

from __future__ import annotations

import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QGuiApplication

from rmapexplorer.engine.frames import Notice
from rmapexplorer.gui.action_records import Action
from rmapexplorer.gui.features.base import Feature
from rmapexplorer.gui.features.exports import Exports

if TYPE_CHECKING:
    from rmapexplorer.gui.window import MainWindow

PATIENCE_MS = 4000
"""So long the engine may take to hand over the session; then the report goes without it."""
FAULTS = 20
"""Faults remembered for a report."""


class TroubleFeature(Feature):
    """Joins the buttons of the message bar to what they do."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="save_report", text="Save a &report…", menu="Help", handler="save_report", ruled=True,
               tip="One file with the session, versions and what went wrong; it opens like any session"),
        Action(id="copy_system_info", text="Copy s&ystem info", menu="Help", handler="copy_system_info",
               tip="Versions of everything that matters, as text to the clipboard"),
    )  # fmt: skip

    wrote = Signal(str, str)
    """Path, and a sentence of trouble or nothing; from the writing thread."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.faults: deque[str] = deque(maxlen=FAULTS)
        self._writer: threading.Thread | None = None
        self.wrote.connect(self._written)

    def built(self) -> None:
        """Listen to the buttons."""
        bar = self.window.messagebar
        bar.show_requested.connect(self.window.selection.select)
        bar.retry_requested.connect(self.retry)
        bar.report_requested.connect(lambda: self.window.commands.run("save_report", {}))
        bar.noticed.connect(self._noticed)

    def _noticed(self, notice: Notice) -> None:
        if notice.level != "internal":
            return
        self.faults.append(notice.details or notice.text)

    def retry(self, what: str, path: str) -> None:
        """Open, save or export once more."""
        if what == "open":
            self.window.files.open(path)
        elif what == "save":
            self.window.files.save_to(path)
        else:
            for feature in self.window.features:
                if isinstance(feature, Exports):
                    feature.retry(path)

    def do_copy_system_info(self, record: Action, given: dict[str, Any]) -> None:
        """Versions to the clipboard."""
        from rmapexplorer.gui.trouble import system_info

        QGuiApplication.clipboard().setText(system_info())
        self.window.show_notice(Notice(level="info", text="Versions and platform are in the clipboard."))

    def do_save_report(self, record: Action, given: dict[str, Any]) -> None:
        """Ask where to."""
        name = time.strftime("rmapexplorer-report-%Y%m%d-%H%M%S.rmap")
        suggestion = str(Path(self.window.settings.folder) / name)
        self.window.files.dialogs.ask_save(suggestion, "Sessions (*.rmap)", "rmap", self.save_report)

    def save_report(self, path: str) -> None:
        """Write the session with what went wrong; without the session where the engine does not answer."""
        from rmapexplorer.engine.side_file import Snapshot

        late = QTimer(self)
        late.setSingleShot(True)

        def answered(session: Any) -> None:
            if late.isActive():
                late.stop()
                self._write(path, session)

        late.timeout.connect(lambda: self._write(path, None))
        late.timeout.connect(late.deleteLater)
        late.start(PATIENCE_MS)
        self.window.bridge.ask(Snapshot("report"), answered)

    def _write(self, path: str, session: Any) -> None:
        from rmapexplorer.formats.session import pieces
        from rmapexplorer.gui.trouble import report_session

        details = "\n\n".join(self.faults) or "Nothing went wrong so far."
        whole = report_session(session, details)

        def write() -> None:
            from rmapexplorer.formats import writing

            try:
                writing.write(path, pieces(whole))
            except OSError as error:
                self.wrote.emit(path, writing.trouble(path, error))
            else:
                self.wrote.emit(path, "")

        self._writer = threading.Thread(target=write, name="report", daemon=True)
        self._writer.start()

    def _written(self, path: str, trouble: str) -> None:
        if not trouble:
            self.window.messagebar.dismiss()
        text = trouble or f"Saved the report in {path}; it opens like a session. Please attach it to your bug report."
        self.window.show_notice(Notice(level="error" if trouble else "info", text=text))

    def closing(self) -> None:
        """What is being written is finished first."""
        if self._writer is not None:
            self._writer.join()

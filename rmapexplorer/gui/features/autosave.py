"""The unsaved session is kept in a side file while one works, and offered again after the program died."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices

from rmapexplorer.engine.frames import Notice, Saved, SessionOpened
from rmapexplorer.engine.side_file import Snapshot, write_side
from rmapexplorer.gui.features.base import Feature
from rmapexplorer.gui.recovery import Orphan, Slot, orphans
from rmapexplorer.gui.recovery_bar import RecoveryBar

if TYPE_CHECKING:
    from rmapexplorer.gui.theme import Theme
    from rmapexplorer.gui.window import MainWindow

BREATH = 0.003
"""Seconds between two pieces, so that writing does not take the interpreter from the window."""
PATIENCE = 3.0
"""Seconds that closing waits for a writing under way to notice."""


class Autosave(Feature):
    """Side file of this window, and the bar with those of windows that are gone."""

    wrote = Signal()
    """A side file was written, or could not be; from any thread."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.slot = Slot()
        self.bar: RecoveryBar | None = None
        self.found: list[Orphan] = []
        self._adopted: Orphan | None = None
        self._opening = False
        self._writer: threading.Thread | None = None
        self._told = ""
        self._due = QTimer(self)
        self._due.setSingleShot(True)
        self._due.timeout.connect(self.keep)
        self.wrote.connect(self._written)

    def built(self) -> None:
        """Listen to changes; look for side files once the window is up."""
        self.window.bridge.edited.connect(self._edited)
        self.window.bridge.batch_coming.connect(self._before_batch)
        QTimer.singleShot(0, self, self._look)

    # keeping

    def _edited(self) -> None:
        seconds = self.window.settings.autosave_seconds
        if seconds and not self._due.isActive():
            self._due.start(seconds * 1000)

    def keep(self) -> None:
        """Write the side file now, off this thread."""
        if self.window.files.modified:
            self.window.bridge.ask(Snapshot(), self._snapped)

    def _snapped(self, session: Any) -> None:
        if session is None or not self.window.files.modified:
            return
        work = self._writing(session)
        self._writer = threading.Thread(target=self._write, args=(work,), name="side file", daemon=True)
        self._writer.start()
        if self.window.statusbar.job:  # what the job still does is a change too
            self._edited()

    def _before_batch(self) -> None:
        if self.window.files.modified and self.window.settings.autosave_seconds:
            self.window.bridge.job(lambda number: write_side(number, self._writing_and_telling))

    def _writing(self, session: Any) -> Generator[None, None, None]:
        files = self.window.files
        return self.slot.writing(session, files.title, files.path or files.suggestion)

    def _writing_and_telling(self, session: Any) -> Generator[None, None, None]:
        yield from self._writing(session)
        self.wrote.emit()

    def _write(self, work: Generator[None, None, None]) -> None:
        for _ in work:
            time.sleep(BREATH)
        self.wrote.emit()

    def _written(self) -> None:
        if self.slot.trouble and self.slot.trouble != self._told:
            self.window.show_notice(Notice(level="error", text=self.slot.trouble))
        self._told = self.slot.trouble
        if self._adopted is not None and self.slot.written:
            self._adopted.discard()  # ours holds all of it now
            self._adopted = None

    def told(self, message: Any) -> None:
        """Saved or replaced: the side file is of no use any more."""
        if isinstance(message, Saved) and not self.window.files.modified:
            self._safe()
        if isinstance(message, SessionOpened):
            self._due.stop()
            self.slot.clear()
            if self._adopted is not None and message.path == str(self._adopted.path):
                self._opening = False
                self.found = [one for one in self.found if one is not self._adopted]
                self.keep()
            self._offer()

        if isinstance(message, Notice) and message.level == "error" and self._opening and self._adopted is not None:
            self._opening = False
            self._adopted.release()  # it could not be opened: it stays on offer
            self._adopted = None

    def _safe(self) -> None:
        self._due.stop()
        self.slot.clear()
        if self._adopted is not None:
            self._adopted.discard()
            self._adopted = None

    # recovery

    def _look(self) -> None:
        self.found = orphans() if self.window.settings.autosave_seconds else []
        if self.found:
            self._offer()

    def _offer(self) -> None:
        if self.bar is None:
            if not self.found:
                return
            self.bar = RecoveryBar(self.window.themes.current)
            self.bar.chosen.connect(self._chosen)
            self.bar.skipped.connect(self._skip)
            self.window.add_strip(self.bar)
        self.bar.offer(self.found)
        if self.found:
            self.window.welcome.hide()
        self.window.strip_changed()

    def _skip(self) -> None:
        self.found = []
        self._offer()

    def _chosen(self, what: str, orphan: Orphan) -> None:
        if what == "show":
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(orphan.path.parent)))
            return
        if not orphan.claim():
            self.found.remove(orphan)
            self._offer()
            text = f"“{orphan.about.title}” is not there any more, or another window recovers it."
            self.window.show_notice(Notice(level="error", text=text))
            return
        if what == "discard":
            orphan.discard()
            self.found.remove(orphan)
            self._offer()
        else:
            orphan.release()
            self.window.files.leave(lambda: self._recover(orphan))

    def _recover(self, orphan: Orphan) -> None:
        if not orphan.claim():
            return
        if self._adopted is not None:
            self._adopted.release()
        self._adopted, self._opening = orphan, True
        self.window.files.recover(str(orphan.path), orphan.about.title, orphan.about.path)

    def set_theme(self, theme: Theme) -> None:
        """The colours changed."""
        if self.bar is not None:
            self.bar.set_theme(theme)

    def closing(self) -> None:
        """A clean end leaves nothing, but for what was recovered and then left without saving it."""
        self._due.stop()
        self.slot.close()
        if self._writer is not None:
            self._writer.join(PATIENCE)
        if self._adopted is not None:
            self._adopted.release()

"""The unsaved session is kept in a side file while one works, and offered again after the program died."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices

from rmapexplorer.engine.frames import Notice, Saved, SessionOpened
from rmapexplorer.engine.journal import Journal
from rmapexplorer.gui.features.base import Feature
from rmapexplorer.gui.recovery import Orphan, Shared, Slot, orphans
from rmapexplorer.gui.recovery_bar import RecoveryBar

if TYPE_CHECKING:
    from rmapexplorer.gui.theme import Theme
    from rmapexplorer.gui.window import MainWindow

PATIENCE = 3.0
"""Seconds that closing waits for a writing under way."""


class Autosave(Feature):
    """Journal of this window, and the bar with those of windows that are gone."""

    wrote = Signal()
    """The journal was written, or could not be; from any thread."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.slot = Slot()
        self.journal = Journal(self.slot, self.wrote.emit)
        self.bar: RecoveryBar | None = None
        self.found: list[Orphan] = []
        self._adopted: Orphan | None = None
        self._told = ""
        self.wrote.connect(self._written)

    def built(self) -> None:
        """Listen to changes; look for side files once the window is up."""
        self.window.bridge.edited.connect(self.keep)
        self.window.bridge.keep(self.journal)
        QTimer.singleShot(0, self, self._look)

    # keeping

    def keep(self) -> None:
        """The session has changes: from now on all that is done is written down."""
        files = self.window.files
        if self.window.settings.keep_aside and files.modified:
            self.journal.arm(self.window.bridge.generation, files.path or files.suggestion)

    def _written(self) -> None:
        if self.journal.trouble and self.journal.trouble != self._told:
            self.window.show_notice(Notice(level="error", text=self.journal.trouble))
        self._told = self.journal.trouble
        if self._adopted is not None and self.journal.written and self.journal.base != str(self._adopted.path):
            self._adopted.discard()  # ours holds all of it now
            self._adopted = None

    def told(self, message: Any) -> None:
        """Saved or replaced: the side file is of no use any more."""
        if isinstance(message, Saved):
            self._note()
            if not self.window.files.modified:
                self._safe()
        if isinstance(message, SessionOpened):
            self.journal.clear()
            self._note()
            adopted = self._adopted is not None and message.path == str(self._adopted.path)
            if self._adopted is not None and not adopted:
                self._adopted.discard()  # it was recovered, and then saved or given up
                self._adopted = None
            if self.window.files.modified:
                self.keep()
                self.window.bridge.keep(
                    self.journal
                )  # it has not been shown what was done before it was told to listen
            self._offer()

    def _note(self) -> None:
        path = self.window.files.path
        try:
            self.slot.note(path)
        except OSError:
            return  # it is told when something has to be kept there
        if path is not None and (count := self.slot.others(path)) and path != self._shared:
            self.window.show_notice(Notice(level="info", text=Shared(path, count).sentence))
        self._shared = path

    _shared: str | None = None

    def _safe(self) -> None:
        self.journal.clear()
        if self._adopted is not None:
            self._adopted.discard()
            self._adopted = None

    # recovery

    def _look(self) -> None:
        self.found = orphans() if self.window.settings.keep_aside else []
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
        before, self._adopted = self._adopted, orphan

        def opened(message: SessionOpened | None) -> None:
            if message is None:
                orphan.release()  # it could not be opened: it stays on offer
                self._adopted = before
            elif before is not None:
                before.discard()  # given up for this one
            if message is not None and orphan in self.found:
                self.found.remove(orphan)
                self._offer()

        self.window.files.recover(str(orphan.path), orphan.about.title, orphan.about.path, opened)

    def set_theme(self, theme: Theme) -> None:
        """The colours changed."""
        if self.bar is not None:
            self.bar.set_theme(theme)

    def closing(self) -> None:
        """A clean end leaves nothing; where the process is told to end, what is not saved stays for the next start."""
        kept = self.window.ending and self.window.files.modified
        self.journal.close(PATIENCE, kept)
        self.slot.close()
        if self._adopted is not None:
            self._adopted.release()  # what was recovered and then left without saving it is offered again

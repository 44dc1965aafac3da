"""The document: its path, whether it differs from what was saved, recent files, and the questions that go with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from rmapexplorer.engine.frames import Notice, Saved, SessionOpened
from rmapexplorer.formats.trace_session import split_path
from rmapexplorer.gui.bridge import Bridge
from rmapexplorer.gui.file_dialog import dress
from rmapexplorer.gui.recovery import recovery_folder
from rmapexplorer.gui.settings import RECENT_LIMIT, Settings

SUFFIX = ".rmap"
SESSIONS = f"Sessions (*{SUFFIX})"
OPENABLE = (
    f"Sessions, scripts, recordings and kernel traces (*{SUFFIX} *.rmaps *.txt *.perf *.gz *.json);;All files (*)"
)

SAVE, DISCARD, STAY = "save", "discard", "stay"
"""Answers to the question about unsaved changes."""


class Dialogs(Protocol):
    """Questions to the user. None of them blocks: the answer comes through the callback, or never."""

    def ask_open(self, folder: str, then: Callable[[str], None]) -> None: ...

    def ask_save(self, suggestion: str, filters: str, suffix: str, then: Callable[[str], None]) -> None: ...

    def ask_unsaved(self, title: str, then: Callable[[str], None]) -> None: ...


class QtDialogs:
    """The real ones, over ``parent``."""

    def __init__(self, parent: QWidget) -> None:
        self._parent = parent

    def ask_open(self, folder: str, then: Callable[[str], None]) -> None:
        """Ask for a file to open."""
        dialog = QFileDialog(self._parent, "Open a session, a recording or a kernel trace", folder, OPENABLE)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        self._run(dialog, then)

    def ask_save(self, suggestion: str, filters: str, suffix: str, then: Callable[[str], None]) -> None:
        """Ask where to save."""
        dialog = QFileDialog(self._parent, "Save", suggestion, filters)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(suffix)
        dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix(_suffix_of(chosen, suffix)))
        dialog.selectFile(suggestion)
        self._run(dialog, then)

    def _run(self, dialog: QFileDialog, then: Callable[[str], None]) -> None:
        themes = getattr(self._parent.window(), "themes", None)
        if themes is not None:
            dress(dialog, themes.current)
        dialog.fileSelected.connect(then)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def ask_unsaved(self, title: str, then: Callable[[str], None]) -> None:
        """Ask what to do with unsaved changes: SAVE, DISCARD or STAY."""
        box = QMessageBox(self._parent)
        box.setIcon(QMessageBox.Icon.Question)
        box.setText(f"{title} has changes that are not saved.")
        button = QMessageBox.StandardButton
        box.setStandardButtons(button.Save | button.Discard | button.Cancel)
        box.setDefaultButton(button.Save)
        answers = {button.Save.value: SAVE, button.Discard.value: DISCARD}
        box.finished.connect(lambda result: then(answers.get(result, STAY)))
        box.finished.connect(box.deleteLater)
        box.open()


class Files(QObject):
    """New, open, save; asks before unsaved changes would be lost. Trouble is a notice, and the session stays."""

    changed = Signal()
    """Title, path or modified mark changed."""
    recent_changed = Signal()
    notice = Signal(object)

    def __init__(self, bridge: Bridge, settings: Settings, dialogs: Dialogs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge, self._settings, self.dialogs = bridge, settings, dialogs
        self.title = "untitled"
        self.path: str | None = None
        self._edits = self._clean = 0
        self._saving: list[int] = []
        self._after_save: Callable[[], None] | None = None
        self.suggestion = ""
        """Path that Save As offers for a session without one: of a recovered session its old file."""
        self._recovering: tuple[str, str, str] | None = None
        bridge.edited.connect(self._edited)
        bridge.opened.connect(self._opened)
        bridge.saved.connect(self._saved)
        bridge.notice.connect(self._troubled)

    @property
    def modified(self) -> bool:
        """True where the session differs from what was saved or opened."""
        return self._edits != self._clean

    @property
    def recent(self) -> list[str]:
        """Paths opened or saved last, newest first, those still there."""
        return [path for path in self._settings.recent if _is_there(path)]

    def new(self) -> None:
        """A blank session."""
        self.leave(self._bridge.new_blank)

    def open(self, path: str = "") -> None:
        """Open ``path``, or ask for one."""
        if path:
            self.leave(lambda: self._load(path))
        else:
            self.dialogs.ask_open(self._settings.folder, self.open)

    def make(self, key: str, values: dict[str, int]) -> None:
        """A workload at the size of ``values``, made beside and opened when it is there."""

        def made(session: Any) -> None:
            if isinstance(session, str):
                self.notice.emit(Notice(level="error", text=session))
            elif session is not None:
                self._bridge.new(session)

        self.leave(lambda: self._bridge.make_workload(key, values, made))

    def save(self) -> None:
        """Save under the name it has, or ask for one."""
        if self.path is None:
            self.save_as()
        else:
            self._write(self.path)

    def save_as(self) -> None:
        """Ask where to save."""
        name = Path(self.path).name if self.path else f"{_safe(self.title)}{SUFFIX}"
        suggestion = self.suggestion or str(Path(self._settings.folder) / name)
        self.dialogs.ask_save(suggestion, SESSIONS, SUFFIX[1:], self._write)

    def save_picture(self, then: Callable[[str], None]) -> None:
        """Ask where a picture of the window goes."""
        name = str(Path(self._settings.folder) / f"{_safe(self.title)}.png")
        self.dialogs.ask_save(name, "Pictures (*.png)", "png", then)

    def leave(self, then: Callable[[], None]) -> None:
        """Do ``then`` once it is certain that no changes are lost; not at all where the user stays."""
        if not self.modified:
            then()
            return

        def answered(answer: str) -> None:
            if answer == DISCARD:
                then()
            elif answer == SAVE:
                self._after_save = then
                self.save()

        self.dialogs.ask_unsaved(self.title, answered)

    def recover(self, path: str, title: str, suggestion: str) -> None:
        """Open a side file: a modified session without a path of its own. ``suggestion`` is offered when it is saved."""
        self._recovering = (path, title, suggestion)
        self._bridge.open(path)

    def forget(self) -> None:
        """Empty the list of recent files."""
        self._settings.recent = []
        self.recent_changed.emit()

    def _load(self, path: str) -> None:
        if not _is_there(path):
            self.notice.emit(Notice(level="error", text=f"{path} is not there any more; nothing was opened."))
            return
        if not _shipped(path):
            self._settings.folder = str(Path(path).resolve().parent)
        self._bridge.open(path)

    def save_to(self, path: str) -> None:
        """Save there, without a question."""
        self._write(path)

    def _write(self, path: str) -> None:
        target = Path(path)
        if not target.suffix:
            target = target.with_suffix(SUFFIX)
        self._saving.append(self._edits)
        self._settings.folder = str(target.resolve().parent)
        self._bridge.save(str(target))

    def _edited(self) -> None:
        was = self.modified
        self._edits += 1
        if not was:
            self.changed.emit()

    def _opened(self, message: SessionOpened) -> None:
        recovering, self._recovering, self.suggestion = self._recovering, None, ""
        if recovering is not None and message.path == recovering[0]:
            self.path, self.title, self.suggestion = None, recovering[1], recovering[2]
            self._edits += 1
            self._clean, self._saving = -1, []
            self.changed.emit()
            return
        name = Path(message.path).name.removesuffix(SUFFIX) if message.path else message.title
        self.title = name or "untitled"
        self.path = message.path if message.path and message.path.endswith(SUFFIX) else None
        if self.path is not None and (_shipped(self.path) or Path(self.path).parent == recovery_folder()):
            self.path = None
        elif message.path:
            self._remember(message.path)
        self._clean = self._edits
        self._saving = []
        self.changed.emit()

    def _saved(self, message: Saved) -> None:
        if not self._saving:
            return
        self.path, self.suggestion = message.path, ""
        self.title = Path(message.path).stem
        self._clean = self._saving.pop(0)
        self._remember(message.path)
        self.changed.emit()
        then, self._after_save = self._after_save, None
        if then is not None and not self.modified:
            then()

    def _troubled(self, notice: Notice) -> None:
        if notice.level == "error" and self._saving:
            self._saving.pop(0)
            self._after_save = None

    def _remember(self, path: str) -> None:
        full = str(Path(path).resolve())
        self._settings.recent = [full, *(other for other in self._settings.recent if other != full)][:RECENT_LIMIT]
        self.recent_changed.emit()


def _suffix_of(chosen: str, usual: str) -> str:
    """The suffix of a filter: ``Graphviz (*.dot)`` stands for dot."""
    return chosen.partition("(*.")[2].rstrip(")") or usual


def _safe(title: str) -> str:
    """A title as the stem of a file name."""
    return "".join(c if c.isalnum() or c in "-_. " else "-" for c in title).strip() or "untitled"


def _is_there(path: str) -> bool:
    """Whether the file of ``FILE`` or ``FILE#NAME`` is there."""
    return Path(split_path(path)[0]).is_file()


def _shipped(path: str) -> bool:
    """Whether the file is one of the program's own scenarios, which are not to be written over."""
    parents = Path(path).resolve().parents
    return any(one.name == "scenarios" and one.parent.name == "resources" for one in parents)

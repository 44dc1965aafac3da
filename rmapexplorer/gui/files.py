"""The document: its path, whether it differs from what was saved, recent files, and the questions that go with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from rmapexplorer.engine.frames import Notice, Saved, SessionOpened
from rmapexplorer.engine.saving import Changed
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

OVERWRITE, ELSEWHERE, RELOAD = "overwrite", "elsewhere", "reload"
"""Answers to the question about a file that somebody else wrote; or STAY."""


class Dialogs(Protocol):
    """Questions to the user. None of them blocks: the answer comes through the callback, or never."""

    def ask_open(self, folder: str, then: Callable[[str], None]) -> None: ...

    def ask_save(self, suggestion: str, filters: str, suffix: str, then: Callable[[str], None]) -> None: ...

    def ask_unsaved(self, title: str, then: Callable[[str], None]) -> None: ...

    def ask_changed(self, name: str, then: Callable[[str], None]) -> None: ...


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
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(f"{title} has changes that are not saved.")
        button = QMessageBox.StandardButton
        box.setStandardButtons(button.Save | button.Discard | button.Cancel)
        box.setDefaultButton(button.Save)
        answers = {button.Save.value: SAVE, button.Discard.value: DISCARD}
        box.finished.connect(lambda result: then(answers.get(result, STAY)))
        box.finished.connect(box.deleteLater)
        box.open()

    def ask_changed(self, name: str, then: Callable[[str], None]) -> None:
        """Ask what to do with a file that somebody else wrote meanwhile: OVERWRITE, ELSEWHERE, RELOAD or STAY."""
        box = QMessageBox(self._parent)
        box.setIcon(QMessageBox.Icon.Warning)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(f"{name} was written by another window or program since you opened or saved it here.")
        box.setInformativeText(
            "Overwriting loses what was written there, reloading loses what you did here. Save under another name to keep both."
        )
        role = QMessageBox.ButtonRole
        buttons = {
            box.addButton("Save &as…", role.AcceptRole): ELSEWHERE,
            box.addButton("&Overwrite it", role.DestructiveRole): OVERWRITE,
            box.addButton("&Reload it", role.DestructiveRole): RELOAD,
            box.addButton(QMessageBox.StandardButton.Cancel): STAY,
        }
        box.setDefaultButton(next(iter(buttons)))
        box.finished.connect(lambda _: then(buttons.get(box.clickedButton(), STAY)))
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
        self._clean = 0
        self._saves = 0
        self._after: list[Callable[[], None]] = []
        self.suggestion = ""
        """Path that Save As offers for a session without one: of a recovered session its old file."""
        self._recovering: tuple[str, str, str] | None = None
        self._picked = ""
        bridge.edited.connect(self._edited)
        bridge.opened.connect(self._opened)
        bridge.saved.connect(self._saved)

    @property
    def modified(self) -> bool:
        """True where the session has, or is about to have, what is not in the file it was saved to or opened from."""
        return self._bridge.revision != self._clean

    @property
    def saving(self) -> bool:
        """True while a file is being written, or waits for its turn."""
        return self._saves > 0

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

    def pick(self, path: str) -> None:
        """Open one of the gallery's scenarios."""
        self._picked = path
        self.open(path)

    def was_picked(self, path: str | None) -> bool:
        """Whether what was opened last is what was picked in the gallery; asked once."""
        picked, self._picked = self._picked, ""
        return bool(picked) and picked == path

    def make(self, key: str, values: dict[str, int]) -> None:
        """A workload at the size of ``values``, made beside and opened when it is there."""

        def made(session: Any) -> None:
            if isinstance(session, str):
                self.notice.emit(Notice(level="error", text=session))
            elif session is not None:
                self.leave(lambda: self._bridge.new(session))

        self.leave(lambda: self._bridge.make_workload(key, values, made))

    def save(self, then: Callable[[], None] | None = None) -> None:
        """Save under the name it has, or ask for one; ``then`` is done once it is saved, and only then."""
        if self.path is None:
            self.save_as(then)
        else:
            self._write(self.path, then)

    def save_as(self, then: Callable[[], None] | None = None) -> None:
        """Ask where to save."""
        name = Path(self.path).name if self.path else f"{_safe(self.title)}{SUFFIX}"
        suggestion = self.suggestion or str(Path(self._settings.folder) / name)
        self.dialogs.ask_save(suggestion, SESSIONS, SUFFIX[1:], lambda path: self._write(path, then))

    def save_picture(self, then: Callable[[str], None]) -> None:
        """Ask where a picture of the window goes."""
        name = str(Path(self._settings.folder) / f"{_safe(self.title)}.png")
        self.dialogs.ask_save(name, "Pictures (*.png)", "png", then)

    def leave(self, then: Callable[[], None]) -> None:
        """Do ``then`` once it is certain that no changes are lost; not at all where the user stays.

        What is being written is waited for: another session would take its turn away.
        """
        if self.saving:
            self._after.append(lambda: self.leave(then))
        elif not self.modified:
            then()
        else:
            self.dialogs.ask_unsaved(self.title, lambda answer: self._leave(answer, then))

    def _leave(self, answer: str, then: Callable[[], None]) -> None:
        if answer == DISCARD:
            then()
        elif answer == SAVE:
            self.save(lambda: self.leave(then))

    def recover(self, path: str, title: str, suggestion: str, reply: Callable[[SessionOpened | None], None]) -> None:
        """Open a side file: a modified session without a path of its own. ``suggestion`` is offered when it is saved."""
        self._recovering = (path, title, suggestion)
        self._bridge.open(path, reply)

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

    def _write(self, path: str, then: Callable[[], None] | None = None, over: bool = False) -> None:
        target = Path(path)
        if not target.suffix:
            target = target.with_suffix(SUFFIX)
        self._settings.folder = str(target.resolve().parent)
        self._saves += 1
        self._bridge.save(str(target), lambda saved: self._ended(saved, then), over)

    def _ended(self, saved: Saved | Changed | None, then: Callable[[], None] | None) -> None:
        self._saves -= 1
        if isinstance(saved, Changed):
            path = saved.path
            self.dialogs.ask_changed(Path(path).name, lambda answer: self._resolve(answer, path, then))
        elif saved is not None and then is not None:
            then()
        if not self._saves:
            waiting, self._after = self._after, []
            for one in waiting:
                one()

    def _resolve(self, answer: str, path: str, then: Callable[[], None] | None) -> None:
        if answer == OVERWRITE:
            self._write(path, then, over=True)
        elif answer == ELSEWHERE:
            self.save_as(then)
        elif answer == RELOAD:
            self._load(path)

    def _edited(self) -> None:
        if self._bridge.revision == self._clean + 1 or self._clean < 0:
            self.changed.emit()

    def _opened(self, message: SessionOpened) -> None:
        recovering, self._recovering, self.suggestion = self._recovering, None, ""
        if recovering is not None and message.path == recovering[0]:
            self.path, self.title, self.suggestion = None, recovering[1], recovering[2]
            self._clean = -1
            self.changed.emit()
            return
        aside = message.path is not None and Path(message.path).parent == recovery_folder()
        name = Path(message.path).name.removesuffix(SUFFIX) if message.path and not aside else message.title
        self.title = name or "untitled"
        self.path = message.path if message.path and message.path.endswith(SUFFIX) and not aside else None
        if self.path is not None and _shipped(self.path):
            self.path = None
        elif message.path and not aside:
            self._remember(message.path)
        self._clean = message.revision
        self.changed.emit()

    def _saved(self, message: Saved) -> None:
        self.path, self.suggestion = message.path, ""
        self.title = Path(message.path).stem
        self._clean = message.revision
        self._remember(message.path)
        self.changed.emit()

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

"""Hostile files one after the other in one real window, offscreen: opened, dropped on it, and left in the recovery folder.

All three must give the same sentence, or none.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rmapexplorer.core.room import MEGABYTES
from tests.hostile import Taken, fresh_peak, peak

PATIENCE = 60.0
"""Seconds of the clock after which what a file started is cancelled."""
HEARD = 10.0
"""Seconds of the clock in which it then has to end."""


class Driver:
    """Opens files and watches what the window says."""

    def __init__(self, app: Any, window: Any) -> None:
        self.app, self.window = app, window
        self.said: list[Any] = []
        self.opened = 0
        self._listening: list[Any] = []
        window.bridge.notice.connect(self.said.append)
        window.trouble.notice.connect(self.said.append)
        window.files.dialogs.ask_unsaved = lambda title, reply: reply("discard")  # what was recovered counts as unsaved

    def _until(self, done: Any, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not done():
            self.app.processEvents()
            time.sleep(0.005)
            if time.monotonic() > end:
                return False
        return True

    def settle(self, patience: float = PATIENCE) -> bool:
        """Until the engine has nothing more to do; cancelled after so many seconds."""
        conductor = self.window.bridge._engine._conductor
        if self._until(lambda: conductor.idle, patience):
            return True
        for job in list(conductor.jobs):
            self.window.bridge.cancel(job.number)
        return self._until(lambda: not conductor.busy, HEARD)

    def open(self, path: Path) -> tuple[str, str]:
        """Open the file: what is wrong with how that went, "" for nothing, and the sentence that refused it."""
        answers: list[Any] = []
        problem, sentence = self._answered(
            lambda: self.window.bridge.open(str(path), answers.append), answers, PATIENCE
        )
        self.opened += bool(answers and answers[0] is not None)
        return problem, sentence.replace(str(path), "FILE")

    def drop(self, path: Path) -> tuple[str, str]:
        """The same, dropped on the window."""
        from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
        from PySide6.QtGui import QDropEvent

        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        event = QDropEvent(
            QPointF(9, 9), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
        problem, sentence = self._answered(lambda: self.window.dropEvent(event), self._open_messages(), 0)
        return problem, sentence.replace(str(path), "FILE")

    def recover(self, data: bytes) -> tuple[str, str]:
        """The same, left in the recovery folder by a window that is gone; offered, recovered, discarded."""
        from rmapexplorer.gui.features.autosave import Autosave
        from rmapexplorer.gui.recovery import recovery_folder

        folder = recovery_folder()
        folder.mkdir(parents=True, exist_ok=True)
        autosave = next(one for one in self.window.features if isinstance(one, Autosave))
        for name in ("9-9-deadbeef.journal", "9-9-deadbeef-x.rmap"):  # what is no journal may be from an older version
            (folder / name).write_bytes(data)
            autosave._look()
            if autosave.found:
                break
            (folder / name).unlink(missing_ok=True)
        else:
            return "not offered", ""
        orphan = autosave.found[0]
        problem, sentence = self._answered(lambda: autosave._chosen("recover", orphan), self._open_messages(), 0)
        if sentence and orphan not in autosave.found:
            problem = problem or "refused, but not offered any more"
        for path in folder.glob("9-9-deadbeef*"):
            path.unlink()
        autosave._look()
        return problem, sentence.replace(str(orphan.path), "FILE")

    def _open_messages(self) -> list[Any]:
        # filled by the next session that is opened, or the error that says why there is none
        heard: list[Any] = []

        def opened(message: Any) -> None:
            heard.append(message)

        def told(message: Any) -> None:
            if message.level in ("error", "internal"):
                heard.append(None)

        for signal, slot in (
            (self.window.bridge.opened, opened),
            (self.window.bridge.notice, told),
            (self.window.files.notice, told),
        ):
            signal.connect(slot)
            self._listening.append((signal, slot))
        return heard

    def _answered(self, begin: Any, answers: list[Any], patience: float) -> tuple[str, str]:
        self.said.clear()
        begin()
        there = self._until(lambda: answers, PATIENCE)
        for signal, slot in self._listening:
            signal.disconnect(slot)
        self._listening.clear()
        if not there:
            return "no answer", ""
        if not self.settle(patience):
            return "goes on after it was cancelled", ""
        self._until(lambda: False, 0.05)  # what it then says and paints
        errors = [m.text for m in self.said if m.level == "error"]
        bad = [m for m in self.said if m.level == "internal" or "\n" in m.text or set(m.text) & set("\x1b\x07\u202e")]
        if bad:
            return f"{bad[0].level}: {bad[0].text} {bad[0].details[-300:]}", ""
        if answers[0] is None and len(errors) != 1:
            return f"refused with {len(self.said)} messages: {[m.text for m in self.said]}", ""
        return "", errors[0] if answers[0] is None else ""


def opened(folder: Path, files: Iterable[tuple[str, bytes]], taken: Taken, factor: float = 1.0) -> Iterator[str]:
    """Every file in one window; what went wrong, a line each."""
    home = tempfile.mkdtemp(dir=folder)
    os.environ |= {"QT_QPA_PLATFORM": "offscreen", "HOME": home, "XDG_STATE_HOME": home, "XDG_CONFIG_HOME": home}
    os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")
    from PySide6.QtCore import QSettings
    from PySide6.QtWidgets import QApplication

    from rmapexplorer.formats.script_session import is_script
    from rmapexplorer.gui.app import make_window
    from rmapexplorer.gui.settings import Settings

    app = QApplication.instance() or QApplication(["rmapexplorer"])
    settings = Settings(QSettings(str(Path(home) / "settings.ini"), QSettings.Format.IniFormat))
    settings.welcome = False
    options = argparse.Namespace(file="", screenshot=None, size=(1280, 800), theme=None)
    window = make_window(app, settings, options)  # type: ignore[arg-type]
    driver = Driver(app, window)
    driver.settle()
    for name, data in files:
        path = folder / name
        path.write_bytes(data)
        fresh_peak()
        began = time.process_time()
        problem, sentence = driver.open(path)
        seconds = time.process_time() - began
        taken.note("window", seconds, peak(), name)
        if problem:
            yield f"{name}: window: {problem}"
        for how, (problem, other) in (("dropped", driver.drop(path)), ("recovered", driver.recover(data))):
            if how == "recovered" and is_script(data[:4096], name) != is_script(data[:4096]):
                continue  # it was a script by its name alone
            if problem or other != sentence:
                yield f"{name}: {how}: {problem or f'{other!r} instead of {sentence!r}'}"
        if peak() > MEGABYTES:
            yield f"{name}: window: {peak()} MB"
        path.unlink()
    yield from () if driver.opened else ("no file was opened",)
    window.bridge.stop()

"""When we are wrong: the user gets one sentence, a report file everything else, with the session saved beside it."""

from __future__ import annotations

import platform
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import platformdirs
from PySide6.QtCore import QMessageLogContext, QObject, QtMsgType, Signal, qInstallMessageHandler, qVersion

from rmapexplorer import __version__
from rmapexplorer.engine.frames import Notice

REMEMBERED = 200
"""Messages of Qt kept for a report."""

BENIGN = ("This plugin does not support", "propagateSizeHints")
"""Messages of Qt that say nothing about us."""


def report_folder() -> Path:
    """Where reports go."""
    return Path(platformdirs.user_state_dir("rmapexplorer")) / "reports"


class Trouble(QObject):
    """Takes unhandled exceptions and Qt's own complaints. ``notice`` carries an "internal" for the message bar.

    :param save_session: writes the log to a path, as far as it can; called for every report.
    """

    notice = Signal(object)

    def __init__(self, save_session: Callable[[str], None], folder: Path | None = None) -> None:
        super().__init__()
        self._save_session = save_session
        self._folder = folder
        self._said: deque[str] = deque(maxlen=REMEMBERED)

    def install(self) -> None:
        """From now on."""
        sys.excepthook = self.unhandled
        threading.excepthook = lambda args: self.unhandled(
            args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
        )
        qInstallMessageHandler(self.qt_said)

    def uninstall(self) -> None:
        """As it was before."""
        sys.excepthook = sys.__excepthook__
        threading.excepthook = threading.__excepthook__
        qInstallMessageHandler(None)

    def unhandled(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """An exception nobody caught."""
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        self.report("".join(traceback.format_exception(kind, error, trace)))

    def qt_said(self, kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        """A message of Qt: remembered for a report; a critical one is reported."""
        if any(word in message for word in BENIGN):
            return
        self._said.append(f"{kind.name}: {message}")
        if kind in (QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg):
            self.report(f"Qt said: {message}")

    def report(self, details: str) -> Path | None:
        """Write a report and tell the user where it is; None where even that fails."""
        text = f"{self._versions()}\n\n{details}\n\nQt's messages before it:\n" + "\n".join(self._said)
        path = self._write(text)
        where = f" A report is in {path}." if path is not None else ""
        sentence = f"Something inside rmapexplorer went wrong. Your session is still here; save it.{where}"
        self.notice.emit(Notice(level="internal", text=sentence, details=text))
        return path

    def _write(self, text: str) -> Path | None:
        folder = self._folder or report_folder()
        name = time.strftime("report-%Y%m%d-%H%M%S")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{name}.txt"
            path.write_text(text, encoding="utf-8")
        except OSError:
            return None
        self._save_session(str(folder / f"{name}.rmap"))
        return path

    def _versions(self) -> str:
        return f"rmapexplorer {__version__}, Python {platform.python_version()}, Qt {qVersion()}, {platform.platform()}"

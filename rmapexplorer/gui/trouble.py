"""When we are wrong: the user gets one sentence; a report, which is a session too, holds everything else."""

from __future__ import annotations

import platform
import sys
import threading
import time
import traceback
from collections import deque
from types import TracebackType

import numpy as np
import PySide6
from attrs import evolve
from PySide6.QtCore import QMessageLogContext, QObject, QtMsgType, Signal, qInstallMessageHandler, qVersion
from PySide6.QtGui import QGuiApplication

from rmapexplorer import __version__
from rmapexplorer.engine.frames import Notice
from rmapexplorer.formats.session import Session

LONGEST = 2000
"""Characters of one line of a report."""

REMEMBERED = 200
"""Messages of Qt kept for a report."""

FAULT = "Report of a fault:"
"""How the report of such a session begins."""

BENIGN = ("This plugin does not support", "propagateSizeHints")
"""Messages of Qt that say nothing about us."""


SAYS = "Something inside rmapexplorer went wrong, and it is not your doing. Your session is still here."


class Trouble(QObject):
    """Takes unhandled exceptions of any thread and Qt's own complaints. ``notice`` carries an "internal" for the message bar."""

    notice = Signal(object)

    def __init__(self) -> None:
        super().__init__()
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

    def report(self, details: str) -> None:
        """Tell the user, who may save it all as one file."""
        said = "\n\nQt's messages before it:\n" + "\n".join(self._said) if self._said else ""
        self.notice.emit(Notice(level="internal", text=SAYS, details=f"{details.rstrip()}{said}\n"))


def system_info() -> str:
    """What this runs on, a line each; nothing about the user."""
    screen = QGuiApplication.primaryScreen()
    lines = [
        f"rmapexplorer {__version__}", f"Python {platform.python_version()}", f"numpy {np.__version__}",
        f"PySide6 {PySide6.__version__}, Qt {qVersion()}, platform {QGuiApplication.platformName()}",
        platform.platform(),
    ]  # fmt: skip
    if screen is not None:
        size = screen.size()
        lines.append(f"screen {size.width()}x{size.height()}, {screen.devicePixelRatio():g} pixels a point")
    return "\n".join(lines)


def report_session(session: Session | None, details: str) -> Session:
    """The session with what went wrong in its report: it opens like any other. Without a session an empty one."""
    lines = (f"{FAULT} {time.strftime('%Y-%m-%d %H:%M:%S')}", *system_info().splitlines(), *details.splitlines())
    whole = session if session is not None else Session(title="no session")
    told = tuple(_plain(line) for line in lines if line) + whole.report
    return evolve(whole, title=f"report of {whole.title}"[:LONGEST], report=told)


def _plain(line: str) -> str:
    # as a session can hold it
    return line.replace("\0", "").encode("utf-8", "replace").decode("utf-8")[:LONGEST]

"""What every test gets: noise fails, settings and files of the user are out of reach, hypothesis is repeatable.

A test fails that logs a WARNING it did not announce (fixture ``expected_log``), leaves a thread running which would
keep the process alive, or leaves a window behind. What a test that failed anyway leaves behind is not reported.
Nothing here imports Qt: tests of the engine see it only if they import it themselves.
"""

from __future__ import annotations

import gc
import logging
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

settings.register_profile(
    "ci",
    deadline=None,
    max_examples=60,
    stateful_step_count=40,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("search", settings.get_profile("ci"), max_examples=2000, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

GRACE_SECONDS = 2.0
"""How long a thread that a test told to stop may take."""
FAILED = pytest.StashKey[bool]()


LONG = (
    "gui/test_theme_switch.py", "engine/test_real_worlds.py", "golden/test_scale.py", "test_hostile.py",
    "properties/test_machine.py", "gui/test_app.py", "gui/test_recovery.py", "test_time_limit.py",
    "mutation/test_planted_bugs.py", "soak/test_short.py", "gui/test_window_and_terminal.py", "gui/test_no_clipping.py",
)  # fmt: skip
"""Files that take ten seconds and more. They are begun first, so that no process ends long after the others."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; else the order stays."""
    tests = Path(__file__).parent
    ranks = {tests / name: rank for rank, name in enumerate(LONG)}
    items.sort(key=lambda item: ranks.get(item.path, len(LONG)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Remember which tests failed, for the guards."""
    report: Any = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


class LogWatch(logging.Handler):
    """Keeps records from WARNING up; every one must match an announced pattern and every pattern must be met."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []
        self.patterns: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(f"{record.levelname} {record.name}: {record.getMessage()}")

    def complaints(self) -> list[str]:
        """One line for each message nobody announced and each announcement that did not come."""
        found = [f"logged: {m}" for m in self.messages if not any(re.search(p, m) for p in self.patterns)]
        return found + [f"never logged: {p}" for p in self.patterns if not any(re.search(p, m) for m in self.messages)]


@pytest.fixture(autouse=True)
def _log_watch(request: pytest.FixtureRequest) -> Iterator[LogWatch]:
    watch = LogWatch()
    logging.getLogger().addHandler(watch)
    yield watch
    logging.getLogger().removeHandler(watch)
    _fail(request, watch.complaints())


@pytest.fixture
def expected_log(_log_watch: LogWatch) -> Callable[[str], None]:
    """``expected_log(pattern)``: the test must log a WARNING or worse that matches the regular expression."""
    return _log_watch.patterns.append


@pytest.fixture(autouse=True)
def _thread_guard(request: pytest.FixtureRequest) -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + GRACE_SECONDS
    while (left := [t for t in threading.enumerate() if t not in before and not t.daemon]) and (
        wait := deadline - time.monotonic()
    ) > 0:
        left[0].join(wait)
    _fail(request, [f"thread left running: {t.name}" for t in left])


@pytest.fixture(autouse=True)
def _choices_guard() -> Iterator[None]:
    yield
    if (room := sys.modules.get("rmapexplorer.core.room")) is not None:
        room.ROOM.limit = None  # a window that was started bounds the process it is in
    if (places := sys.modules.get("rmapexplorer.gui.places")) is not None:
        places.show("pages")  # the window's choice is the program's: the next test begins as a program does


@pytest.fixture(autouse=True)
def _window_guard(request: pytest.FixtureRequest) -> Iterator[None]:
    before = _windows()
    yield
    left: dict[int, Any] = {}
    for settle in (lambda: None, _delete_later, gc.collect, _delete_later):
        left = {}  # or these names would keep the windows alive
        settle()
        left = {key: window for key, window in _windows().items() if key not in before}
        if not left:
            return
    names = [f"window left behind: {type(w).__name__} {w.objectName()!r}" for w in left.values()]
    for window in left.values():
        window.close()
        window.deleteLater()
    _delete_later()
    _fail(request, names)


def _windows() -> dict[int, Any]:
    """Top-level widgets by address; a tool tip belongs to Qt, which hides and keeps it."""
    widgets = sys.modules.get("PySide6.QtWidgets")
    if widgets is None or not isinstance(widgets.QApplication.instance(), widgets.QApplication):
        return {}
    address = sys.modules["shiboken6"].getCppPointer
    return {address(w)[0]: w for w in widgets.QApplication.topLevelWidgets() if type(w).__name__ != "QTipLabel"}


def _delete_later() -> None:
    """Deliver what deleteLater() posted: without an event loop nobody else does."""
    core = sys.modules["PySide6.QtCore"]
    core.QCoreApplication.sendPostedEvents(None, core.QEvent.Type.DeferredDelete.value)


def _fail(request: pytest.FixtureRequest, complaints: list[str]) -> None:
    if complaints and FAILED not in request.node.stash:
        pytest.fail("\n".join(complaints), pytrace=False)


@pytest.fixture(autouse=True)
def _user_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings, caches and data go to the test's own directory."""
    home = tmp_path / "home"
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    core = sys.modules.get("PySide6.QtCore")
    if core is not None:
        for form in (core.QSettings.Format.NativeFormat, core.QSettings.Format.IniFormat):
            core.QSettings.setPath(form, core.QSettings.Scope.UserScope, str(home / "config"))

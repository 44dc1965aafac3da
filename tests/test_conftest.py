"""The guards of conftest.py fire: each is shown a test that makes the noise it is there for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

HERE = Path(__file__).resolve().parent

NOISY = """
import logging
import threading
import time
import warnings

stop = threading.Event()

def test_quiet_info():
    logging.getLogger("quiet").info("nothing to see")

def test_log():
    logging.getLogger("engine").warning("queue of %d", 3)

def test_announced(expected_log):
    expected_log("queue of 3")
    logging.getLogger("engine").warning("queue of %d", 3)

def test_announced_but_silent(expected_log):
    expected_log("queue of 3")

def test_thread():
    threading.Thread(target=stop.wait, args=(60,), name="forgotten").start()

def test_thread_that_stops():
    threading.Thread(target=time.sleep, args=(0.05,)).start()
    stop.set()

def test_daemon():
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()

def test_window(qapp):
    from PySide6.QtWidgets import QMainWindow
    global window
    window = QMainWindow(objectName="orphan")

def test_window_closed(qtbot):
    from PySide6.QtWidgets import QMainWindow
    window = QMainWindow()
    window.itself = lambda: window  # a cycle
    qtbot.addWidget(window)
    window.show()

def test_window_dropped(qapp):
    from PySide6.QtWidgets import QMainWindow
    window = QMainWindow()
    window.itself = lambda: window

def test_failed_tests_are_not_blamed_twice(qapp):
    from PySide6.QtWidgets import QMainWindow
    window = QMainWindow()
    logging.getLogger("engine").warning("also")
    assert not window

def test_warning():
    warnings.warn("old call", DeprecationWarning)

def test_qt_message(qapp):
    from PySide6.QtCore import qWarning
    qWarning("QPainter::begin: nothing to paint on")
"""

SETTINGS = """
import os
from pathlib import Path
import pytest

@pytest.mark.parametrize("time", [1, 2])
def test_settings_are_empty_each_time(tmp_path, time):
    from PySide6.QtCore import QSettings
    settings = QSettings("rmapexplorer", "probe")
    assert settings.value("used") is None
    settings.setValue("used", time)
    settings.sync()
    assert Path(settings.fileName()).is_relative_to(tmp_path)
    assert Path(settings.fileName()).exists()

def test_platformdirs(tmp_path):
    import platformdirs
    for place in (platformdirs.user_config_dir("x"), platformdirs.user_state_dir("x"), platformdirs.user_data_dir("x")):
        assert Path(place).is_relative_to(tmp_path)
"""


def _run(pytester: pytest.Pytester, source: str) -> pytest.RunResult:
    pytester.makeconftest((HERE / "conftest.py").read_text(encoding="utf-8"))
    pytester.makeini("[pytest]\nqt_api = pyside6\nqt_log_level_fail = WARNING\nfilterwarnings = error\n")
    pytester.makepyfile(source)
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-rA")


def test_each_guard_fires(pytester: pytest.Pytester) -> None:
    result = _run(pytester, NOISY)
    lines = result.stdout.str()
    errors = {line.split("::")[1].split()[0] for line in lines.splitlines() if line.startswith("ERROR ")}
    failures = {line.split("::")[1].split()[0] for line in lines.splitlines() if line.startswith("FAILED ")}
    assert errors == {"test_log", "test_announced_but_silent", "test_thread", "test_window"}
    assert failures == {"test_failed_tests_are_not_blamed_twice", "test_warning", "test_qt_message"}
    for said in (
        "logged: WARNING engine: queue of 3",
        "never logged: queue of 3",
        "thread left running: forgotten",
        "window left behind: QMainWindow 'orphan'",
    ):
        assert said in lines


def test_settings_go_to_the_directory_of_the_test(pytester: pytest.Pytester) -> None:
    _run(pytester, SETTINGS).assert_outcomes(passed=3)


def test_conftest_does_not_import_qt() -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import conftest; sys.exit('PySide6' in sys.modules)"
    subprocess.run([sys.executable, "-c", code, str(HERE)], check=True, timeout=60)

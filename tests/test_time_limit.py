"""A run of the tests that takes too long ends with how far it came."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

TESTS = """
import os, signal, time, pytest

def stubborn():
    try:
        os.kill(os.getpid(), signal.SIGUSR1)
    except Exception:
        pass

@pytest.mark.parametrize("number", range(6))
def test_number(number):
    if number == 3:
        {kill}
    assert number != {fails}
"""


def _run(pytester: pytest.Pytester, *words: str, kill: str, fails: int = 9) -> str:
    shutil.copy(Path(__file__).parent / "time_limit.py", pytester.path / "limit_of_time.py")
    pytester.makepyfile(TESTS.format(kill=kill, fails=fails))
    done = pytester.runpytest_subprocess("-p", "limit_of_time", "-p", "no:cacheprovider", *words)
    assert done.ret == pytest.ExitCode.INTERRUPTED
    said = done.stdout.str()
    assert "KeyboardInterrupt" not in said
    return said


@pytest.mark.parametrize(("fails", "verdict"), [(9, "all of them passed"), (1, "1 of them failed")])
def test_it_says_how_far_it_came(pytester: pytest.Pytester, fails: int, verdict: str) -> None:
    said = _run(pytester, "-n0", kill="os.kill(os.getpid(), signal.SIGUSR1)", fails=fails)
    assert f"time limit after 3 of 6 tests, {verdict}" in said


def test_a_test_that_catches_everything_does_not_keep_it(pytester: pytest.Pytester) -> None:
    said = _run(pytester, "-n0", kill="stubborn()")
    assert "time limit after 3 of 6 tests, all of them passed" in said


def test_it_counts_what_other_processes_did(pytester: pytest.Pytester) -> None:
    said = _run(pytester, "-n1", kill="os.kill(os.getppid(), signal.SIGUSR1), time.sleep(60)")
    assert "time limit after 3 of 6 tests, all of them passed" in said

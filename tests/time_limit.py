"""``pytest -p tests.time_limit``: at SIGUSR1 the run ends with a sentence that says how far it came."""

from __future__ import annotations

import signal
from types import FrameType

import pytest


class TimeLimit:
    """Counts tests as they end, those of other processes too."""

    def __init__(self) -> None:
        self.collected = 0
        self.ended: set[str] = set()
        self.failed: set[str] = set()
        self.over = False

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Without other processes."""
        self.collected = max(self.collected, len(session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Each process collects them all."""
        self.collected = max(self.collected, len(ids))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of one test."""
        if report.failed:
            self.failed.add(report.nodeid)
        if report.when == "teardown":
            self.ended.add(report.nodeid)
        if self.over:  # the test that ran when the time was over has caught the exception
            self.end()

    def sentence(self) -> str:
        """How far it came."""
        if not self.collected:
            return "time limit before the tests were collected"
        verdict = f"{len(self.failed):,} of them failed" if self.failed else "all of them passed"
        return f"time limit after {len(self.ended):,} of {self.collected:,} tests, {verdict}"

    def end(self, number: int = signal.SIGUSR1, frame: FrameType | None = None) -> None:
        """Close with the summary."""
        self.over = True
        pytest.exit(self.sentence(), returncode=int(pytest.ExitCode.INTERRUPTED))


def pytest_configure(config: pytest.Config) -> None:
    """In the process that reports, not in those that work for it."""
    if not hasattr(config, "workerinput"):
        limit = TimeLimit()
        config.pluginmanager.register(limit)
        signal.signal(signal.SIGUSR1, limit.end)

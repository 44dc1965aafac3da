"""The open session for a side file: as a question where it is wanted now, as a job where it must be written before the next one."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from attrs import frozen

from rmapexplorer.engine.files import session_of
from rmapexplorer.engine.stage import Stage
from rmapexplorer.engine.steps import Steps

Writing = Callable[[Any], Generator[None, None, None]]
"""Writes a formats.session.Session a little at each step; its trouble is its own."""


@frozen
class Snapshot:
    """Asks for the session as it is, everything done so far included; it never changes afterwards."""

    key: str = "side file"

    def answer(self, stage: Stage) -> Any:
        """A formats.session.Session."""
        return session_of(stage)


def write_side(number: int, writing: Writing) -> Steps:
    """A job: the session as it is when its turn comes; the jobs behind it wait until it is on disk."""
    return Steps(number, "Keeping a copy", lambda stage: writing(session_of(stage)), quiet=True)

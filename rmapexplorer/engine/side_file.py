"""The open session as a question: as it is now, for a report."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from rmapexplorer.engine.files import session_of
from rmapexplorer.engine.stage import Stage


@frozen
class Snapshot:
    """Asks for the session as it is, everything done so far included; it never changes afterwards."""

    key: str = "snapshot"

    def answer(self, stage: Stage) -> Any:
        """A formats.session.Session."""
        return session_of(stage)

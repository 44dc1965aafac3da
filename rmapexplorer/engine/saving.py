"""The job that saves: what was given to the engine before it is done by then, and nothing that comes later is in the file."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator

from attrs import define, frozen

from rmapexplorer.engine.files import Files, session_of
from rmapexplorer.engine.frames import Message, Notice, Saved
from rmapexplorer.engine.stage import Stage
from rmapexplorer.engine.steps import goes_on
from rmapexplorer.engine.telling import saving_trouble
from rmapexplorer.formats.errors import FormatError
from rmapexplorer.formats.journal import Base
from rmapexplorer.formats.stamp import stamp_of


@frozen(kw_only=True)
class Changed:
    """The answer to a save that wrote nothing: the file at ``path`` is not the one that was opened or saved here last."""

    path: str


@define(eq=False)
class Save:
    """Writes the session as it is when its turn comes, a piece at each step; the jobs behind it wait.

    ``result`` is the Saved message once the file is in its place, Changed where somebody else wrote the session's own file
    meanwhile and ``over`` does not say that this is no matter; ``trouble`` is told where it cannot be written.
    """

    number: int
    path: str
    files: Files
    tell: Callable[[Message], None]
    revision: int = 0
    over: bool = False
    title: str = "Saving"
    done: int = 0
    total: int = 0
    quiet: bool = True
    shows: bool = False
    result: Saved | Changed | None = None
    trouble: Notice | None = None
    _work: Generator[None, None, None] | None = None

    def start(self, stage: Stage) -> None:
        """Take the session as it is now."""
        self.total = len(stage.line.operations)
        self._work = self.files.write(session_of(stage), self.path)

    def step(self, stage: Stage) -> bool:
        """One piece; at the end the new file takes the place of the old one."""
        assert self._work is not None
        if not self.over and changed_since(stage.base, self.path):
            self._work.close()
            self.result = Changed(path=self.path)
            return False
        try:
            if goes_on(self._work):
                self.done += 1
                return True
        except (FormatError, OSError) as error:
            self.trouble = saving_trouble(self.path, error)
            self.tell(self.trouble)
            return False
        stamp = stamp_of(self.path)
        stage.path = self.path
        stage.base = Base(path=self.path, stamp=stamp, operations=self.total) if stamp is not None else None
        self.result = Saved(path=self.path, operations=self.total, revision=self.revision)
        self.tell(self.result)
        return False

    def stop(self, stage: Stage) -> bool:
        """The old file stays as it was."""
        if self._work is not None:
            self._work.close()
        return False


def changed_since(base: Base | None, path: str) -> bool:
    """Whether ``path`` is the file that the session came from, and somebody else wrote it since; not where it is gone."""
    if base is None or os.path.realpath(base.path) != os.path.realpath(path):
        return False
    return stamp_of(path) not in (None, base.stamp)

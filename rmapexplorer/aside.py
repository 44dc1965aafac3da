"""Heavy work beside the window: a process of its own that tells what it finds through a pipe and can be ended at any time.

The work is a function of a module, called with ``tell`` and its arguments; what it tells must be plain values.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from attrs import frozen

from rmapexplorer.core.units import KernelError
from rmapexplorer.formats.errors import FormatError

Tell = Callable[[object], None]
"""Takes one message."""

BETWEEN_SECONDS = 0.05
"""Progress is told no more often."""

NICE = 5
"""How much the work gives way to everything else."""

GRACE_SECONDS = 2.0
"""How long a process that was told to end may take."""


@frozen
class Ended:
    """The last message: ``trouble`` is a sentence where the work did not come to its end."""

    trouble: str = ""


class Seldom:
    """Lets one call in BETWEEN_SECONDS through."""

    def __init__(self) -> None:
        self._last = 0.0

    def __call__(self) -> bool:
        """True where it is time again."""
        now = time.monotonic()
        if now - self._last < BETWEEN_SECONDS:
            return False
        self._last = now
        return True


class Aside:
    """One run of ``work(tell, *args)``. Every call returns at once."""

    def __init__(self, work: Callable[..., None], *args: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, there = context.Pipe(duplex=False)
        self._process = context.Process(target=_serve, args=(there, work, args), daemon=True)
        self._process.start()
        there.close()
        self.over = False

    def take(self, most: int = 64) -> list[object]:
        """Up to ``most`` messages that have come; Ended is the last one ever."""
        messages: list[object] = []
        while not self.over and len(messages) < most:
            try:
                if not self._pipe.poll():
                    break
                messages.append(self._pipe.recv())
            except (EOFError, OSError):
                messages.append(Ended("The work ended before it was done; try it again."))
            if isinstance(messages[-1], Ended):
                self._close()
        return messages

    def cancel(self) -> None:
        """End it now; nothing is told any more."""
        if not self.over:
            self._process.terminate()
            self._close()

    def _close(self) -> None:
        self.over = True
        self._pipe.close()
        self._process.join(GRACE_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()


def _serve(pipe: Connection, work: Callable[..., None], args: tuple[Any, ...]) -> None:
    # in the other process, which gives way to the window
    if hasattr(os, "nice"):
        os.nice(NICE)
    try:
        try:
            work(pipe.send, *args)
        except (KernelError, FormatError, OSError) as error:
            pipe.send(Ended(str(error) or type(error).__name__))
        else:
            pipe.send(Ended())
    except (BrokenPipeError, KeyboardInterrupt):
        return  # nobody listens any more

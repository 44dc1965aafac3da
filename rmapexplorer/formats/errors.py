"""What can go wrong with a file, as one sentence for the user; and the user's wish to stop."""

from __future__ import annotations

from collections.abc import Callable

from rmapexplorer.plain import visible

Progress = Callable[[int, int], None]
"""Told (bytes of the file read, bytes of the file)."""

Asked = Callable[[], bool]
"""True where the user wants to stop."""


LONGEST = 2000
"""Letters of a sentence; what is longer repeats something long of the file, and loses its middle."""


class FormatError(Exception):
    """A file that cannot be used: one sentence that says which, where, what is wrong and what to do.

    What the file or its name says stands in it as it can be read (rmapexplorer.plain), so that it is one line anywhere.
    """

    def __init__(self, sentence: str) -> None:
        words = visible(sentence)
        super().__init__(words if len(words) <= LONGEST else f"{words[: LONGEST // 2]} … {words[-LONGEST // 4 :]}")


class Cancelled(Exception):
    """The user stopped the loading; nothing was changed."""

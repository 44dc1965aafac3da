"""What can go wrong with a file, as one sentence for the user; and the user's wish to stop."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Told (bytes of the file read, bytes of the file)."""

Asked = Callable[[], bool]
"""True where the user wants to stop."""


class FormatError(Exception):
    """A file that cannot be used: one sentence that says which, where, what is wrong and what to do."""


class Cancelled(Exception):
    """The user stopped the loading; nothing was changed."""

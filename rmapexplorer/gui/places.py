"""The one choice of the window between page numbers and byte addresses; whoever writes or reads a place asks here."""

from __future__ import annotations

from rmapexplorer.core.places import PAGES, Places

_shown = Places(PAGES)


def shown() -> Places:
    """How places are written now."""
    return _shown


def show(kind: str) -> None:
    """Write places so from now on: PAGES or BYTES. What is on the screen is not written anew by this."""
    global _shown  # noqa: PLW0603 (one program shows places in one way)
    _shown = Places(kind)

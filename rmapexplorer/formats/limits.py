"""How much of anything a file may hold. Objects are counted, not text: a small file can unfold to a large one.

Whatever more there is, is refused in a sentence. How much memory all of it may take, core.room says.
"""

from __future__ import annotations

MAX_OPERATIONS = 5_000_000
"""Operations of one session, script or recording; a million take about 140 MB."""

BETWEEN_ASKING = 4096
"""After so many operations a reader looks how much memory is left."""

MAX_RUNS = 100_000
"""Runs of one touch; a touch of more would hold up everything else for seconds."""

MAX_ALL_RUNS = 1_000_000
"""Runs of all touches of a session together."""

MAX_TEXT = 4096
"""Characters of a title, name, label or bookmark."""

MAX_DESIGNS = 64
"""Worlds side by side in a file; the window shows eight of them."""

MAX_BRANCHES = 10_000
MAX_NOTES = 100_000
MAX_FILES = 10_000
"""Files of a machine: every world has each of them."""
MAX_PROCESSES = 10_000
"""Processes that exist at the start."""
MAX_REPORT = 10_000
"""Lines of the report of an import."""

MAX_TRACES = 10_000
"""Kernel traces of one file."""
MAX_STEPS = 100_000
"""Steps of one kernel trace."""

TEXT_BYTES = 640 << 20
"""Text of one session or trace, unpacked; a million operations have about 60 MB."""

VALUE_BYTES = 8 << 20
"""Text of one value that is taken whole: an operation, a kernel trace, a list of bookmarks."""

VALUES_COST = 160 << 20
"""Bytes that one such value, or all that are kept as they are, may come to as objects."""

SCRIPT_BYTES = 64 << 20
SCRIPT_OPERATIONS = 1_000_000
"""Operations a script comes to."""
SCRIPT_LINES = 2_000_000
"""Lines of a script, those without a word among them."""
SCRIPT_STATEMENTS = 100_000
"""Lines of a script with a word on them (1.5 kB each while it is read); a longer log is a session."""
LINE_CHARACTERS = 4 << 20
"""Of one line of a script: a touch of MAX_RUNS runs has about 2 million."""

EVENTS_WITHOUT_MEMORY = 200_000
"""A recording that begins with this many events, none of which changes memory, was made of other events."""


SMALL_TEXT = VALUES_COST // 240
"""Characters of JSON that come to less in any case."""


def cost(text: str) -> int:
    """Bytes that JSON text comes to at most as Python objects, its letters left out."""
    return 72 * text.count("[") + 240 * text.count("{") + 150 * text.count(":") + 40 * text.count(",")


def at_most(count: int, most: int, what: str) -> None:
    """ValueError("must hold at most ...") where there are more."""
    if count > most:
        raise ValueError(f"must hold at most {most:,} {what}, not {count:,}")

"""What one operation did to one world."""

from __future__ import annotations

from attrs import frozen


@frozen
class Refusal:
    """Why two vmas stay two.

    :param rule: short name of the predicate that failed: ``flags``, ``file``, ``pgoff``, ``anon_vma``, ``fork child`` ...
    :param sentence: the rule in words, with the two values in it.
    :param mine, theirs: the two values compared, as shown to the user.
    :param source: kernel function that tests it, e.g. ``is_mergeable_anon_vma, mm/vma.c 6.18``.
    """

    rule: str
    sentence: str
    mine: str = ""
    theirs: str = ""
    source: str = ""


@frozen(kw_only=True)
class Outcome:
    """Result of one operation in one world.

    ``error`` is None on success, else an errno name or SIGSEGV / SIGBUS; ``rule`` says why in one sentence and
    ``field`` names the operation's field at fault. ``done`` counts what was done before an error: pages
    touched, or pages reclaimed. ``deltas`` are changes of the world's counters (names of core.counters).
    ``refusals`` are the merges refused on the way, at most eight of them.
    """

    error: str | None = None
    rule: str = ""
    field: str = ""
    done: int = 0
    deltas: dict[str, int] = {}
    refusals: tuple[Refusal, ...] = ()

    @property
    def ok(self) -> bool:
        """True where the call succeeded."""
        return self.error is None

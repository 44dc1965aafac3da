"""What a claim is: where the letter makes it, a scenario, what to measure in each world, and the rule that judges the figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from rmapexplorer.core.units import Machine
from rmapexplorer.formats.session import Session

if TYPE_CHECKING:
    from rmapexplorer.claims.replay import Replay

Figures = Mapping[str, float]
"""Name of a figure -> its value in one world, in the unit that the claim's ``figures`` say."""

Table = Mapping[str, Figures]
"""Name of a column -> its figures."""

HOLDS, ONLY_WHEN, HALF_TRUE, REFUTED = "holds", "holds only when", "half true", "refuted"
VERDICTS = (HOLDS, ONLY_WHEN, HALF_TRUE, REFUTED)

PARAGRAPHS = 22
"""Paragraphs of the letter's body as we count them: every block between blank lines or changes of quotation, quoted ones too."""

LETTER = "20040312131103.GS30940@dualathlon.random"
"""Message-ID of the letter."""

ADDRESS = f"https://lore.kernel.org/all/{LETTER}/"
"""Where the letter is archived."""

I386 = Machine(arch="i386", word_bytes=4, cache_line_bytes=32, calls="2.6.7", processes=((1, "server"),))
"""A PC of the letter's time: 32 bits, cache lines of 32 bytes, calls of 2.6.7."""

X86_64 = evolve(I386, arch="x86_64", word_bytes=8, cache_line_bytes=64)
"""The same with 64 bits and cache lines of 64 bytes."""


@frozen
class Place:
    """Where a claim stands. ``paragraphs`` are numbers of our count, none where ``source`` names another mail.

    :param phrase: what is said there, in our words.
    """

    paragraphs: tuple[int, ...]
    phrase: str
    source: str = ""

    def __str__(self) -> str:
        numbers = " and ".join(str(number) for number in self.paragraphs)
        where = f"paragraph {numbers} of {PARAGRAPHS}" if numbers else f"not in the letter, but in {self.source}"
        return f"{where}: {self.phrase}"


@frozen
class Figure:
    """A figure that is measured: ``unit`` of its value, and what it means in a few words."""

    name: str
    unit: str
    meaning: str


@frozen
class Column:
    """A world to run: its key ("anonmm:variant=4c"), on the machine of the scenario or on another one."""

    key: str
    machine: Machine | None = None

    @property
    def name(self) -> str:
        """How it is called in tables: the key, and the architecture where it is not the scenario's."""
        return self.key if self.machine is None else f"{self.key} ({self.machine.arch})"


@frozen
class Verdict:
    """``kind`` is one of VERDICTS; ``sentence`` says why, with the figures in it."""

    kind: str
    sentence: str


@frozen(kw_only=True, eq=False)
class Claim:
    """One claim. ``make`` gives the scenario, ``measure`` drives a replay of it and returns figures, ``rule`` judges them all.

    :param statement: the claim in our own words. :param rule_text: the rule as a sentence.
    :param remark: what is worth knowing beside the figures: where they differ from what was expected, and why.
    """

    id: str
    title: str
    statement: str
    place: Place
    columns: tuple[Column, ...]
    figures: tuple[Figure, ...]
    make: Callable[[], Session]
    measure: Callable[[Replay], Figures]
    rule: Callable[[Table], Verdict]
    rule_text: str
    remark: str = ""

    @property
    def scenario(self) -> str:
        """Name of the session file under resources."""
        return f"scenarios/claims/C{int(self.id[1:]):02d}.rmap"

    @property
    def designs(self) -> tuple[str, ...]:
        """World keys that it runs, each once."""
        return tuple(dict.fromkeys(column.key for column in self.columns))


@frozen(kw_only=True)
class ClaimResult:
    """A claim that was run: figures by column, the verdict that follows, and the seconds it took."""

    claim: Claim
    figures: dict[str, dict[str, float]]
    verdict: Verdict
    seconds: float


def columns(*keys: str, also: Machine | None = None) -> tuple[Column, ...]:
    """A column for each world key, and where ``also`` is given one more on that machine."""
    plain = tuple(Column(key) for key in keys)
    return plain + (tuple(Column(key, also) for key in keys) if also is not None else ())


# -- words for sentences ------------------------------------------------------------------------------


def listed(names: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"; "none" for nothing."""
    if len(names) < 2:
        return names[0] if names else "none"
    return f"{', '.join(names[:-1])} and {names[-1]}"


def number(value: float) -> str:
    """1,024 or 2.5; whole numbers without a point."""
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def sentence(words: str) -> str:
    """The words with a capital letter in front and a point behind."""
    return f"{words[:1].upper()}{words[1:]}."


def many(value: float, one: str, more: str = "") -> str:
    """ "1 page", "2 pages"."""
    return f"{number(value)} {one if value == 1 else more or one + 's'}"


def each(table: Table, figure: str, names: Sequence[str] | None = None) -> str:
    """One figure of several columns: "3" where they agree, "0 (anonmm, anon_vma), 3 (pte_chain)" where they do not."""
    groups: dict[str, list[str]] = {}
    for name in table if names is None else names:
        groups.setdefault(number(table[name][figure]), []).append(name)
    if len(groups) < 2:
        return next(iter(groups), "none")
    return ", ".join(f"{value} ({', '.join(columns)})" for value, columns in groups.items())


def where(table: Table, test: Callable[[Figures], bool], prefix: str = "") -> list[str]:
    """Names of the columns that begin with ``prefix`` and pass the test."""
    return [name for name, figures in table.items() if name.startswith(prefix) and test(figures)]

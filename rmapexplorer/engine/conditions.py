"""The language of breakpoints: ``walk visits > 100 in anon_vma``, ``operation mremap and merge refused``.

A condition is clauses joined by ``and``, then optionally ``in`` and a design; without one any design may do. A clause
is an event of one operation, or a figure compared with a number. Figures of an operation (walk visits) count what that
operation did; figures of a state (vmas, bytes) hold from where they become true.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches

from attrs import frozen

from rmapexplorer.core.operations import OPERATIONS

NAMES: tuple[str, ...] = tuple(sorted(kind.name for kind in OPERATIONS))
"""Names of operations."""

EVENTS: dict[str, str] = {
    "call refused": "a system call fails",
    "merge refused": "touching vmas are kept apart",
    "atomic allocation": "a GFP_ATOMIC allocation is tried",
    "atomic failure": "a GFP_ATOMIC allocation fails",
    "pte missed": "a real walk does not find a pte",
    "designs differ": "the outcome differs between the designs",
}
"""What may happen in one operation."""

DONE: dict[str, tuple[str, str]] = {
    "walk visits": ("list_nodes", "nodes visited by real walks"),
    "walks": ("walks", "real walks"),
    "ptes probed": ("pte_probes", "ptes probed by real walks"),
    "ptes missed": ("missed_ptes", "ptes that real walks did not find"),
    "copied by write": ("copied_by_write", "anonymous pages copied by write faults"),
    "copied by mremap": ("copied_by_mremap", "pages copied early by mremap"),
    "copied by design": ("copied_by_design", "pages copied from swap because the design cannot find them"),
    "allocations": ("objs_alloc", "rmap objects allocated"),
    "atomic allocations": ("atomic_allocs", "GFP_ATOMIC allocations tried"),
    "merges done": ("merges_done", "vma merges done"),
    "merges refused": ("merges_refused", "vma merges refused"),
    "splits": ("splits", "vma splits"),
    "faults": ("faults", "page faults served"),
    "swap outs": ("swap_outs", "pages written to swap"),
    "swap ins": ("swap_ins", "pages read back from swap"),
}
"""Figures of one operation: phrase -> (counter, what it counts)."""

STATES: dict[str, tuple[str, str]] = {
    "vmas": ("vmas", "vmas of all processes"),
    "bytes": ("bytes", "rmap metadata"),
    "objects": ("objects", "rmap objects alive"),
    "pages": ("pages", "page frames in use"),
    "processes": ("processes", "address spaces alive"),
    "lost ptes": ("probe_missed", "ptes that no walk finds, where a probe was made"),
    "probe nodes": ("probe_nodes", "nodes a probe of all pages visits, where one was made"),
    "total walk visits": ("list_nodes", "nodes visited by real walks so far"),
    "total copied by write": ("copied_by_write", "pages copied by write faults so far"),
    "total copied by mremap": ("copied_by_mremap", "pages copied early by mremap so far"),
    "total copied by design": ("copied_by_design", "pages copied from swap by the design so far"),
    "total merges refused": ("merges_refused", "merges refused so far"),
    "total allocations": ("objs_alloc", "rmap objects allocated so far"),
}
"""Figures of a state: phrase -> (metric, what it is)."""

AVERAGE = "visits a walk"
"""Figure of one operation that is no counter: nodes visited by its walks, for each of them."""

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "=": operator.eq, "!=": operator.ne,
}  # fmt: skip

UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}

_TOKEN = re.compile(r"\s*(\d[\d_,]*(?:\.\d+)?(?:KiB|MiB|GiB|k|M|G)?(?![\w:])|[A-Za-z_][\w:=,.]*|[<>!=]=?|\S)")
_NUMBER = re.compile(r"([\d_,]+(?:\.\d+)?)(KiB|MiB|GiB|k|M|G)?$")


class Malformed(ValueError):
    """A condition that cannot be read: where, and which words would have been possible there."""

    def __init__(self, column: int, found: str, expected: Sequence[str]) -> None:
        self.column, self.found, self.expected = column, found, tuple(expected)
        what = f"{found!r}" if found else "the end"
        near = get_close_matches(found, [word for word in expected if " " not in word], 1) if found else []
        hint = f"; did you mean {near[0]}?" if near else ""
        super().__init__(f"Column {column + 1}: expected {_listed(expected)}, found {what}{hint or '.'}")


def _listed(words: Sequence[str], most: int = 6) -> str:
    if len(words) > most:
        return ", ".join([*words[:most], "…"])
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


@frozen(kw_only=True)
class Clause:
    """One part of a condition: ``kind`` is operation, process, event, done, average or state."""

    kind: str
    key: str
    """Operation name, event phrase, counter or metric."""
    relation: str = ""
    number: float = 0.0


@frozen(kw_only=True)
class Condition:
    """Clauses that must all hold of one operation under one design."""

    text: str
    clauses: tuple[Clause, ...]
    design: str = ""
    """Key of the design; empty: any."""

    @property
    def lasting(self) -> bool:
        """True where it is only about states, so that it stops where it becomes true."""
        return all(clause.kind == "state" for clause in self.clauses)

    def meant(self, key: str) -> bool:
        """Whether it is about the world with that key."""
        return not self.design or self.design in (key, key.partition(":")[0])


@frozen
class _Word:
    text: str
    column: int


class _Reader:
    # the words of a condition, one after the other
    def __init__(self, text: str) -> None:
        self.words = [_Word(m.group(1), m.start(1)) for m in _TOKEN.finditer(text)]
        self.end = len(text.rstrip())
        self.at = 0

    def peek(self, ahead: int = 0) -> str:
        """The word to come; "" at the end."""
        at = self.at + ahead
        return self.words[at].text if at < len(self.words) else ""

    def fail(self, expected: Sequence[str]) -> Malformed:
        """The error at the word to come."""
        here = self.words[self.at] if self.at < len(self.words) else _Word("", self.end)
        return Malformed(here.column, here.text, expected)


def parse(text: str) -> Condition:
    """The condition in the text. :raises Malformed: with the column and the words possible there."""
    reader = _Reader(text)
    clauses = [_clause(reader)]
    while reader.peek() == "and":
        reader.at += 1
        clauses.append(_clause(reader))
    design = ""
    if reader.peek() == "in":
        reader.at += 1
        if not re.match(r"[A-Za-z_]", reader.peek()):
            raise reader.fail(("a design", "any"))
        design = "" if reader.peek() == "any" else reader.peek()
        reader.at += 1
    if reader.peek():
        raise reader.fail(("and", "in"))
    return Condition(text=" ".join(text.split()), clauses=tuple(clauses), design=design)


_PHRASES: tuple[tuple[str, ...], ...] = tuple(
    tuple(phrase.split()) for phrase in ("operation", "process", *EVENTS, *DONE, AVERAGE, *STATES)
)


def _clause(reader: _Reader) -> Clause:
    phrase = _phrase(reader)
    if phrase == "operation":
        return _operation(reader)
    if phrase == "process":
        return Clause(kind="process", key="pid", relation="=", number=_number(reader))
    if phrase in EVENTS:
        return Clause(kind="event", key=phrase)
    relation = reader.peek()
    if relation not in OPERATORS:
        raise reader.fail(tuple(OPERATORS))
    reader.at += 1
    number = _number(reader)
    if phrase == AVERAGE:
        return Clause(kind="average", key=AVERAGE, relation=relation, number=number)
    if phrase in STATES:
        return Clause(kind="state", key=STATES[phrase][0], relation=relation, number=number)
    return Clause(kind="done", key=DONE[phrase][0], relation=relation, number=number)


def _phrase(reader: _Reader) -> str:
    """The longest phrase that begins here."""
    start, possible, found = reader.at, _PHRASES, 0
    for depth in range(1 + max(map(len, _PHRASES))):
        whole = [p for p in possible if len(p) == depth]
        found = depth if whole else found
        further = [p for p in possible if len(p) > depth and p[depth] == reader.peek(depth)]
        if not further:
            break
        possible = tuple(further)
    if not found:
        reader.at = start + depth
        raise reader.fail(_nexts(possible, depth))
    reader.at = start + found
    return " ".join(reader.words[n].text for n in range(start, reader.at))


def _nexts(possible: Sequence[tuple[str, ...]], depth: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys(" ".join(p[depth:]) if depth == 0 else p[depth] for p in possible if len(p) > depth))


def _operation(reader: _Reader) -> Clause:
    if reader.peek() == "=":
        reader.at += 1
    name = reader.peek()
    if name not in NAMES:
        raise reader.fail(NAMES)
    reader.at += 1
    return Clause(kind="operation", key=name)


def _number(reader: _Reader) -> float:
    match = _NUMBER.match(reader.peek())
    digits = match.group(1).replace("_", "").replace(",", "") if match else ""
    if match is None or not digits:
        raise reader.fail(("a number",))
    reader.at += 1
    unit = match.group(2) or ""
    if not unit and reader.peek() in UNITS and reader.peek():
        unit = reader.peek()
        reader.at += 1
    return float(digits) * UNITS[unit]


def continuations(text: str, designs: Sequence[str] = ()) -> tuple[str, ...]:
    """Words that can come next behind ``text``, whole phrases at the start of a clause."""
    try:
        condition = parse(text)
    except Malformed as trouble:
        if trouble.found and trouble.column < len(text) and text.endswith(trouble.found):
            return tuple(w for w in _worded(trouble.expected, designs) if w.startswith(trouble.found))
        return _worded(trouble.expected, designs) if not trouble.found else ()
    return ("and",) if condition.design else ("and", "in")


def completions(text: str, designs: Sequence[str] = ()) -> list[str]:
    """``text`` with each word or phrase that can come next."""
    base = text
    try:
        parse(text)
    except Malformed as trouble:
        if trouble.found:
            base = text[: trouble.column]
    if base and not base.endswith(" "):
        base += " "
    return [base + word for word in continuations(text, designs)]


def _worded(expected: Sequence[str], designs: Sequence[str]) -> tuple[str, ...]:
    words = [w for w in expected if not w.startswith("a ")]
    return (*words, *(designs if "a design" in expected else ()))


def meaning(condition: Condition) -> str:
    """The condition in words, for the tool tip of a list."""
    said = [_said(clause) for clause in condition.clauses]
    where = f" in {condition.design}" if condition.design else " in any design"
    when = "where it becomes true" if condition.lasting else "after the operation"
    return f"Stops {when}: {' and '.join(said)}{where}."


def _said(clause: Clause) -> str:
    if clause.kind == "event":
        return EVENTS[clause.key]
    if clause.kind == "operation":
        return f"the operation is {clause.key}"
    if clause.kind == "process":
        return f"process {clause.number:g} called"
    if clause.kind == "average":
        return f"nodes visited for each of its walks {clause.relation} {clause.number:,.12g}"
    table = STATES if clause.kind == "state" else DONE
    words = next(words for key, words in table.values() if key == clause.key)
    return f"{words} {clause.relation} {clause.number:,.12g}"

"""Numbers of a scenario script: page numbers in hexadecimal, counts in decimal, names, and + - * between them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from attrs import define, field, frozen

from rmapexplorer.formats.codec import MAX_FILE_PAGES, MAX_PAGE, MAX_PID
from rmapexplorer.formats.script_cursor import Cursor, ScriptError

MAX_TERMS = 40
"""Numbers and names in one expression."""
MAX_VALUE = 1 << 63
"""No value may reach this."""

_HEX = re.compile(r"(0[xX])?[0-9a-fA-F]{1,16}\Z")
_DECIMAL = re.compile(r"[0-9]{1,19}\Z")
_PREFIXED = re.compile(r"0[xX][0-9a-fA-F]{1,16}\Z")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@define(eq=False)
class Env:
    """What is known while a script runs.

    :param highest: the highest pid used so far; None where that is not known, so that ``new`` is left to the engine.
    """

    names: dict[str, int] = field(factory=dict)
    highest: int | None = 0


Late = Callable[[Env], Any]
"""A value that is known only while the script runs."""


@frozen
class Kind:
    """A kind of number: how it is called, its base, its range."""

    what: str
    base: int
    low: int
    high: int


PID = Kind("a process id", 10, 0, MAX_PID)
PLACE = Kind("a page number", 16, 0, MAX_PAGE)
OFFSET = Kind("a page number of the file", 16, 0, MAX_FILE_PAGES)
COUNT = Kind("a number of pages", 10, 0, MAX_FILE_PAGES)
LENGTH = Kind("a number of pages", 10, 0, MAX_PAGE)
TIMES = Kind("a number", 10, 0, MAX_VALUE)
NUMBER = Kind("a number", 10, -MAX_VALUE, MAX_VALUE)

Node = tuple[Any, ...]
# ("number", word, column) | ("name", word, column) | (sign, node, node)


def is_number(word: str) -> bool:
    """Whether a word reads as a number in either base: such a word cannot be a name."""
    return bool(_HEX.match(word) or _DECIMAL.match(word))


def is_name(word: str) -> bool:
    """Whether a word has the letters of a name."""
    return bool(_NAME.match(word)) and not is_number(word)


def number_in(word: str, base: int) -> int | None:
    """The value of a literal, None where it is none in this base."""
    if base == 16:
        return int(word, 16) if _HEX.match(word) else None
    if _PREFIXED.match(word):
        return int(word, 16)
    return int(word) if _DECIMAL.match(word) else None


def expression(cursor: Cursor, kind: Kind, minus: bool = True) -> Node:
    """Sums and products. :param minus: whether a - is one: in a span it stands between the two ends."""
    terms = [0]
    if cursor.kind == "word":  # nearly always there is nothing more
        alone = _factor(cursor, kind, terms)
        if cursor.kind != "mark" or cursor.text not in "*+-" or (cursor.text == "-" and not minus):
            return alone
        return _sum(cursor, kind, minus, terms, alone)
    return _sum(cursor, kind, minus, terms)


def _sum(cursor: Cursor, kind: Kind, minus: bool, terms: list[int], first: Node | None = None) -> Node:
    left = _product(cursor, kind, terms, first)
    while cursor.kind == "mark" and (cursor.text == "+" or (minus and cursor.text == "-")):
        sign = cursor.take()
        left = (sign, left, _product(cursor, kind, terms))
    return left


def _product(cursor: Cursor, kind: Kind, terms: list[int], first: Node | None = None) -> Node:
    left = _factor(cursor, kind, terms) if first is None else first
    while cursor.kind == "mark" and cursor.text == "*":
        cursor.take()
        left = ("*", left, _factor(cursor, kind, terms))
    return left


def _factor(cursor: Cursor, kind: Kind, terms: list[int]) -> Node:
    terms[0] += 1
    if terms[0] > MAX_TERMS:
        raise cursor.error(f"the expression has more than {MAX_TERMS} parts; put some of them into a 'let'")
    if cursor.kind == "mark" and cursor.text == "(":
        cursor.take()
        inner = _sum(cursor, kind, True, terms)
        if not cursor.mark(")"):
            raise cursor.fail()
        return inner
    cursor.hope(kind.what)
    named = cursor.text in cursor.names
    if cursor.kind != "word" or not (named or is_number(cursor.text)):
        raise cursor.fail()
    node = ("name" if named else "number", cursor.text, cursor.start)
    cursor.take()
    return node


def settle(cursor: Cursor, node: Node, kind: Kind) -> int | Late:
    """The value of an expression, or what gives it while the script runs. :raises ScriptError: no number, out of range."""
    if node[0] == "number" and (value := number_in(node[1], kind.base)) is not None and kind.low <= value <= kind.high:
        return value
    loose = _check(cursor, node, kind)
    column = _column(node)
    if not loose:
        return _value(cursor, node, kind, {}, column)
    return lambda env: _value(cursor, node, kind, env.names, column)


def whole(cursor: Cursor, kind: Kind, minus: bool = True) -> int | Late:
    """An expression of this kind."""
    return settle(cursor, expression(cursor, kind, minus), kind)


def _check(cursor: Cursor, node: Node, kind: Kind) -> bool:
    # every literal is one in this base; True where there are names
    if node[0] == "name":
        return True
    if node[0] == "number":
        if number_in(node[1], kind.base) is None:
            raise cursor.error(
                f"found '{node[1]}', expected {kind.what} in decimal (hexadecimal is written 0x{node[1]})",
                node[2], len(node[1]),
            )  # fmt: skip
        return False
    left, right = _check(cursor, node[1], kind), _check(cursor, node[2], kind)
    return left or right


def _column(node: Node) -> tuple[int, int]:
    # where it starts, and how long it is
    if node[0] in ("name", "number"):
        return node[2], len(node[1])
    start, (last, length) = _column(node[1])[0], _column(node[2])
    return start, last + length - start


def _value(cursor: Cursor, node: Node, kind: Kind, names: dict[str, int], place: tuple[int, int]) -> int:
    value = _evaluate(cursor, node, kind.base, names)
    if not kind.low <= value <= kind.high:
        shown = f"{value:x}" if kind.base == 16 else str(value)
        low, high = (f"{n:x}" if kind.base == 16 else str(n) for n in (kind.low, kind.high))
        raise cursor.error(f"{shown} is out of range: {kind.what} goes from {low} to {high}", *place)
    return value


def _evaluate(cursor: Cursor, node: Node, base: int, names: dict[str, int]) -> int:
    if node[0] == "number":
        value = number_in(node[1], base)
        assert value is not None
        return value
    if node[0] == "name":
        if node[1] not in names:
            raise cursor.error(f"'{node[1]}' has no value yet", node[2], len(node[1]))
        return names[node[1]]
    left, right = _evaluate(cursor, node[1], base, names), _evaluate(cursor, node[2], base, names)
    value = left + right if node[0] == "+" else left - right if node[0] == "-" else left * right
    if abs(value) > MAX_VALUE:
        raise too_large(cursor, node)
    return value


def too_large(cursor: Cursor, node: Node) -> ScriptError:
    """A value beyond all ranges."""
    return cursor.error("the value is too large", *_column(node))


def joined(make: Callable[..., Any], *parts: Any) -> Any:
    """``make`` of the parts: now where all are known, else while the script runs."""
    if not any(map(callable, parts)):
        return make(*parts)
    return lambda env: make(*(part(env) if callable(part) else part for part in parts))

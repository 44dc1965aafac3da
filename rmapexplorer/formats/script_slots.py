"""The parts of an operation's line in a scenario script: each reads its field, and writes it the same way.

A value that hangs on a name is read as a function of the script's Env (script_numbers.Late).
"""

from __future__ import annotations

import re
from typing import Any, Protocol

from attrs import frozen

from rmapexplorer.core.units import Span
from rmapexplorer.formats.limits import MAX_RUNS
from rmapexplorer.formats.script_cursor import Cursor, quoted
from rmapexplorer.formats.script_numbers import (
    COUNT,
    LENGTH,
    PID,
    PLACE,
    Env,
    Kind,
    Late,
    expression,
    is_name,
    joined,
    settle,
    whole,
)

ANY = -1
"""First page of a place that the kernel is to choose (core.resolve)."""

_PROT = re.compile(r"(r?w?x?|none|-)\Z")
PROTS = ("r", "rw", "rx", "rwx", "w", "wx", "x", "none")


class Slot(Protocol):
    """One part of a line."""

    def read(self, cursor: Cursor, values: dict[str, Any]) -> None:
        """Put the fields it stands for into ``values``. :raises ScriptError: it is not there and must be."""
        ...

    def show(self, op: Any) -> str:
        """Its words for this operation, "" for none."""
        ...


@frozen
class Number:
    """A number that must be there."""

    field: str
    kind: Kind = PID

    def read(self, cursor: Cursor, values: dict[str, Any]) -> None:
        """An expression."""
        values[self.field] = whole(cursor, self.kind)

    def show(self, op: Any) -> str:
        """In the base of its kind."""
        return shown(getattr(op, self.field), self.kind)


def shown(value: int, kind: Kind) -> str:
    """A number in the base of its kind."""
    return f"{value:x}" if kind.base == 16 else str(value)


@frozen
class Child:
    """``-> 2``, or ``-> new`` and then perhaps ``as NAME``; nothing is ``-> new``."""

    field: str = "child"

    def read(self, cursor: Cursor, values: dict[str, Any]) -> None:
        """The arrow and what it points at."""
        if not cursor.mark("->") or cursor.word("new"):
            values[self.field] = new_pid(cursor)
        else:
            values[self.field] = whole(cursor, PID)

    def show(self, op: Any) -> str:
        """The pid as it was chosen."""
        return f"-> {getattr(op, self.field)}"


@frozen
class Newcomer:
    """A pid, or ``new``."""

    field: str = "pid"

    def read(self, cursor: Cursor, values: dict[str, Any]) -> None:
        """The pid."""
        values[self.field] = new_pid(cursor) if cursor.word("new") else whole(cursor, PID)

    def show(self, op: Any) -> str:
        """The pid as it was chosen."""
        return str(getattr(op, self.field))


def new_pid(cursor: Cursor) -> Late:
    """The pid that comes next, and the name it gets with ``as``."""
    start, length = cursor.start, max(1, len(cursor.text))
    name = binding(cursor)

    def choose(env: Env) -> int:
        if env.highest is None:
            if name:
                raise cursor.error(f"the pid of '{name}' is not known before it is run; write the pid", start, length)
            return 0
        env.highest += 1
        if name:
            env.names[name] = env.highest
        return env.highest

    return choose


def binding(cursor: Cursor) -> str:
    """``as NAME``: the name, which is known from here on; "" where there is none."""
    return name_of(cursor) if cursor.word("as") else ""


def name_of(cursor: Cursor) -> str:
    """A name that gets a value here. :raises ScriptError: no name, or a word that means something else."""
    cursor.hope("a name")
    word = cursor.text
    if cursor.kind != "word":
        raise cursor.fail()
    if not is_name(word):
        raise cursor.error(f"'{word}' reads as a number; choose a name with a letter beyond f")
    if word in RESERVED:
        raise cursor.error(f"'{word}' is a word of the language; choose another name")
    cursor.names.add(word)
    return cursor.take()


@frozen
class Place:
    """``a10-a20``, one page ``a10``, or ``16 pages at a10``; where ``free`` also ``16 pages at any``."""

    free: bool = False

    def read(self, cursor: Cursor, values: dict[str, Any]) -> None:
        """The span."""
        values["span"] = read_span(cursor, self.free)

    def show(self, op: Any) -> str:
        """Both ends; the length where the place is still to be chosen."""
        return f"{op.span.pages} pages at any" if op.span.start == ANY else str(op.span)


def read_span(cursor: Cursor, free: bool = False) -> Any:
    """A span, or what gives it."""
    cursor.hope("a span like a10-a20")
    first = expression(cursor, PLACE, minus=False)
    if cursor.mark("-"):
        return joined(Span, settle(cursor, first, PLACE), whole(cursor, PLACE))
    if not cursor.word("pages"):
        return joined(lambda page: Span(page, page + 1), settle(cursor, first, PLACE))
    pages = settle(cursor, first, LENGTH)
    cursor.need("at")
    if free and cursor.word("any"):
        return joined(lambda n: Span(ANY, ANY + n), pages)
    place = whole(cursor, PLACE)
    return joined(lambda start, n: Span(start, start + n), place, pages)


@frozen
class Prot:
    """Letters of r, w, x, or none."""

    default: str | None = None

    def read(self, cursor: Cursor, values: dict[str, Any]) -> None:
        """The word; in quotes what a session spells otherwise."""
        if cursor.kind == "text" and _PROT.match(cursor.text[1:-1]):
            values["prot"] = cursor.string("a protection")
        elif word := cursor.word(*PROTS):
            values["prot"] = "" if word == "none" else word
        elif self.default is None:
            raise cursor.fail()

    def show(self, op: Any) -> str:
        """The word."""
        return op.prot if op.prot in PROTS[:-1] else quoted(op.prot) if op.prot else "none"


@frozen
class Backing:
    """``private`` or ``shared``, of a file where ``file "name"`` follows."""

    def read(self, cursor: Cursor, values: dict[str, Any]) -> None:
        """Kind and file."""
        shared = cursor.word("private", "shared") == "shared"
        anon = bool(cursor.word("anon"))
        file = None
        if cursor.word("file"):
            file = cursor.string("the name of the file")
            if file is None:
                raise cursor.fail()
            values["file"] = file
        plain = anon or file is None
        values["kind"] = ("anon-shared" if shared else "anon") if plain else f"file-{'shared' if shared else 'private'}"

    def show(self, op: Any) -> str:
        """Kind and file."""
        words = ["shared" if op.kind.endswith("shared") else "private"]
        of_file = op.kind.startswith("file")
        words += ["anon"] if op.file and not of_file else []
        words += ["file", quoted(op.file)] if op.file or of_file else []
        return " ".join(words)


@frozen
class Keyed:
    """A word and a number behind it: ``to a20``, ``pages 8``. ``default`` where it is left out.

    :param free: ``any`` may stand for the number. :param needed: it may not be left out.
    """

    word: str
    field: str
    kind: Kind
    default: int | None = None
    free: bool = False
    needed: bool = False

    def read(self, cursor: Cursor, values: dict[str, Any]) -> None:
        """The word and its number."""
        if self.needed:
            cursor.need(self.word)
        elif not cursor.word(self.word):
            return
        values[self.field] = ANY if self.free and cursor.word("any") else whole(cursor, self.kind)

    def show(self, op: Any) -> str:
        """Nothing for the default."""
        value = getattr(op, self.field)
        if value == self.default and not self.needed:
            return ""
        return f"{self.word} {'any' if self.free and value == ANY else shown(value, self.kind)}"


@frozen
class NewLength:
    """``pages 8``: the new length of an mremap; the old one where it is left out."""

    def read(self, cursor: Cursor, values: dict[str, Any]) -> None:
        """The length."""
        given = whole(cursor, LENGTH) if cursor.word("pages") else None
        span = values["span"]
        values["new_pages"] = joined(lambda s: max(s.pages, 0), span) if given is None else given

    def show(self, op: Any) -> str:
        """Nothing where the length stays."""
        return "" if op.new_pages == op.span.pages else f"pages {op.new_pages}"


@frozen
class Choice:
    """One word of several, each for a value of the field; ``default`` where it may be left out."""

    field: str
    words: dict[str, Any]
    default: Any = None
    quiet: bool = False
    """The word of the default is not written."""

    def read(self, cursor: Cursor, values: dict[str, Any]) -> None:
        """The word."""
        word = cursor.word(*self.words)
        if word:
            values[self.field] = self.words[word]
        elif self.default is None:
            raise cursor.fail()

    def show(self, op: Any) -> str:
        """The word of the value."""
        value = getattr(op, self.field)
        if self.quiet and value == self.default:
            return ""
        return next(word for word, meant in self.words.items() if meant == value)


@frozen
class Flags:
    """Any of several words, each once, in the order given."""

    field: str
    words: tuple[str, ...]

    def read(self, cursor: Cursor, values: dict[str, Any]) -> None:
        """All that stand there."""
        found: list[str] = []
        while word := cursor.word(*(w for w in self.words if w not in found)):
            found.append(word)
        values[self.field] = tuple(found)

    def show(self, op: Any) -> str:
        """The words."""
        return " ".join(getattr(op, self.field))


@frozen
class Text:
    """A text in quotes. :param word: stands before it. :param needed: it may not be left out."""

    field: str
    what: str
    word: str = ""
    needed: bool = False

    def read(self, cursor: Cursor, values: dict[str, Any]) -> None:
        """The text."""
        if self.word and not cursor.word(self.word):
            return
        text = cursor.string(self.what)
        if text is not None:
            values[self.field] = text
        elif self.needed or self.word:
            raise cursor.fail()

    def show(self, op: Any) -> str:
        """Nothing for an empty one that may be left out."""
        text = getattr(op, self.field)
        if not text and not self.needed:
            return ""
        return f"{self.word} {quoted(text)}".lstrip()


@frozen
class Runs:
    """``a10-a14 w, b0 r``: accesses in this order."""

    def read(self, cursor: Cursor, values: dict[str, Any]) -> None:
        """All of them, separated by commas."""
        runs = [self._run(cursor)]
        while cursor.mark(","):
            if len(runs) >= MAX_RUNS:
                raise cursor.error(f"more than {MAX_RUNS:,} runs in one touch; divide it")
            runs.append(self._run(cursor))
        values["runs"] = joined(lambda *all_of_them: all_of_them, *runs)

    def _run(self, cursor: Cursor) -> Any:
        span = read_span(cursor)
        access = cursor.need("w", "r")
        return joined(lambda s: (s.start, s.end, access), span)

    def show(self, op: Any) -> str:
        """A page alone without its end."""
        return ", ".join(
            f"{start:x} {access}" if end == start + 1 else f"{start:x}-{end:x} {access}"
            for start, end, access in op.runs
        )


@frozen
class Budget:
    """A number of pages, or ``all``."""

    def read(self, cursor: Cursor, values: dict[str, Any]) -> None:
        """The number."""
        values["pages"] = None if cursor.word("all") else whole(cursor, COUNT)

    def show(self, op: Any) -> str:
        """The number."""
        return "all" if op.pages is None else str(op.pages)


RESERVED = frozenset(
    ("new", "any", "all", "at", "to", "as", "pages", "let", "repeat", "mark", "start", "offset", "label", "file",
     "private", "shared", "anon", "thread", "vfork", "on", "off", "dontunmap", "onfault", "none")
)  # fmt: skip
"""Words that no name may be."""

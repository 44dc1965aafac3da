"""A line of a scenario script under the reader's finger: tokens, what could have stood there, and the trouble."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable

from attrs import frozen

from rmapexplorer.formats.codec import text as checked_text

_TOKEN = re.compile(
    r"\s*(?:(?P<word>[A-Za-z0-9_]+)|(?P<text>\"[^\"\\]*(?:\\.[^\"\\]*){0,5000}\")|(?P<mark>->|[-+*(),:=])|(?P<end>#.*|\Z)|(?P<bad>.))",
    re.DOTALL,
)
_RAW = re.compile(r"\s*([^\s#\"]+)")
SHOWN = 40
"""Letters of a wrong word that a sentence repeats."""


@frozen(kw_only=True)
class Fault:
    """What is wrong at one place of a script. Lines and columns count from 1.

    :param found: the word there as the user sees it. :param expected: what could have stood there.
    :param meant: the nearest word that could, "" for none. :param text: the sentence, without the place.
    """

    line: int
    column: int
    length: int
    text: str
    found: str = ""
    expected: str = ""
    meant: str = ""

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.text}"


class ScriptError(Exception):
    """A script that cannot be read or run; ``fault`` says where and why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


@frozen
class Hope:
    """Something that could stand at a place: in words, and the words themselves where they can be listed."""

    what: str
    words: tuple[str, ...] = ()


def quoted(text: str) -> str:
    """A text as a script writes it: in quotes, what cannot be seen escaped."""
    parts = []
    for letter in text:
        seen = letter.isprintable() and letter not in '"\\'
        parts.append(letter if seen else json.dumps(letter)[1:-1])
    return f'"{"".join(parts)}"'


def nearest(word: str, words: Iterable[str]) -> str:
    """The word most like ``word``, "" where none is."""
    if len(word) > SHOWN:
        return ""
    found = difflib.get_close_matches(word.lower(), sorted(set(words)), 1, 0.6)
    return found[0] if found else ""


class Cursor:
    """Goes through one line token by token. ``kind`` is word, text, mark, end or bad; ``names`` those that ``let`` made."""

    def __init__(self, line: str, number: int, names: set[str]) -> None:
        self.line, self.number, self.names = line, number, names
        self._hopes: list[tuple[str, tuple[str, ...]]] = []
        self.kind, self.text, self.start, self.end = "end", "", 0, 0
        self._read(0)

    def _read(self, at: int) -> None:
        match = _TOKEN.match(self.line, at)
        assert match is not None and match.lastgroup is not None
        self.kind = kind = match.lastgroup
        self.text = match[kind]
        self.start, self.end = match.span(kind)

    def take(self) -> str:
        """The token, and on to the next one."""
        text = self.text
        self._hopes.clear()
        self._read(self.end)
        return text

    def hope(self, what: str, words: tuple[str, ...] = ()) -> None:
        """Say what could stand here."""
        self._hopes.append((what, words))

    @property
    def hopes(self) -> list[Hope]:
        """What could stand at the present token."""
        return [Hope(*hope) for hope in self._hopes]

    def word(self, *words: str) -> str:
        """One of these words if it stands here, else ""."""
        if self.kind == "word" and self.text in words:
            return self.take()
        self.hope("", words)
        return ""

    def mark(self, mark: str) -> bool:
        """Whether this sign stands here; it is taken then."""
        if self.kind == "mark" and self.text == mark:
            self.take()
            return True
        self.hope(f"'{mark}'")
        return False

    def raw(self) -> str:
        """Everything up to the next blank, whatever it is; "" at the end of the line."""
        match = _RAW.match(self.line, self.start)
        if self.kind == "end" or match is None:
            return ""
        self._hopes.clear()
        self._read(match.end())
        return match.group(1)

    def string(self, what: str) -> str | None:
        """A text in quotes if one stands here. :raises ScriptError: its escapes are wrong, or it is too long."""
        self.hope(f"{what} in quotes", ('""',) if self.kind == "end" else ())
        if self.kind != "text":
            return None
        start, length = self.start, self.end - self.start
        try:
            value = checked_text(json.loads(self.text))
        except json.JSONDecodeError as error:
            raise self.error(f"the text in quotes is damaged ({error.msg})", start, length) from error
        except ValueError as error:
            raise self.error(f"the text {error}", start, length) from error
        self.take()
        return value

    def need(self, *words: str) -> str:
        """One of these words. :raises ScriptError: none of them stands here."""
        found = self.word(*words)
        if not found:
            raise self.fail()
        return found

    def finish(self) -> None:
        """:raises ScriptError: the line goes on."""
        if self.kind != "end":
            self.hope("the end of the line")
            raise self.fail()

    def error(self, text: str, start: int = -1, length: int = 0) -> ScriptError:
        """A fault that is no wrong word, by default at the present token."""
        if start < 0:
            start, length = self.start, self.end - self.start
        return ScriptError(Fault(line=self.number, column=start + 1, length=max(length, 1), text=text))

    def fail(self) -> ScriptError:
        """The present token is not what could stand here."""
        found = "the end of the line" if self.kind == "end" else f"'{_cut(self.text)}'"
        if self.kind == "bad" and self.text == '"':
            return self.error(
                'the text in quotes does not end; put " behind it', self.start, len(self.line) - self.start
            )
        hopes = self.hopes
        expected = in_words(hopes)
        words = [word for hope in hopes for word in hope.words]
        meant = nearest(self.text, [*words, *self.names]) if self.kind == "word" else ""
        text = f"found {found}, expected {expected}" + (f"; did you mean '{meant}'?" if meant else "")
        length = 1 if self.kind == "end" else self.end - self.start
        return ScriptError(
            Fault(line=self.number, column=self.start + 1, length=length, text=text, found=found, expected=expected,
                  meant=meant)
        )  # fmt: skip


def in_words(hopes: Iterable[Hope]) -> str:
    """``a page number, 'any' or the end of the line``."""
    parts: list[str] = []
    for hope in hopes:
        if hope.what:
            parts.append(hope.what)
        elif len(hope.words) > 8:
            parts.append(f"one of {', '.join(hope.words)}")
        else:
            parts += [f"'{word}'" for word in hope.words]
    parts = list(dict.fromkeys(parts))
    return " or ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts) or "nothing more"


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"

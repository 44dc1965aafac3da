"""How well a few typed letters fit a title: they must occur in it in order; beginnings of words and runs count most."""

from __future__ import annotations

from attrs import frozen

START, RUN, WORD, LETTER = 24, 14, 12, 2
"""Points for a letter at the very beginning, right after the one before it, at the beginning of a word, anywhere."""
GAP_COST = 1
"""For every letter skipped between two that were found, at most LETTER * 4."""
WHOLE = 4
"""For every letter of a word that stands there as it was typed."""
BESIDE = 6
"""For every letter of a word that stands as a word of its own beside the title."""
TRIES = 6
"""Places of the first letter that are tried."""


@frozen
class Match:
    """``score``: higher is better. ``marks``: the letters of the title that were found."""

    score: int
    marks: tuple[int, ...]


def fit(query: str, title: str, also: str = "") -> Match | None:
    """How well ``query`` fits; every word of it must be found in the title, or else as it stands in ``also``."""
    low, beside = title.lower(), also.lower()
    words = set(beside.split())
    score, marks = 0, set[int]()
    for word in query.lower().split():
        found, known = _word(word, low), BESIDE * len(word) if word in words else 0
        if known > (found.score if found is not None else 0):
            score += known
            continue
        if found is None:
            if word not in beside:
                return None
            score += len(word)
            continue
        score += found.score
        marks.update(found.marks)
    return Match(score - len(title) // 8, tuple(sorted(marks)))


def _word(word: str, title: str) -> Match | None:
    # the best of a few ways to find the letters of the word in order
    best: Match | None = None
    at = title.find(word[0])
    starts = [at] if at >= 0 else []
    while at >= 0 and len(starts) < TRIES:
        at = title.find(word[0], at + 1)
        starts += [at] if at >= 0 else []
    whole = title.find(word)
    for start in {*starts, *([whole] if whole >= 0 else [])}:
        marks = _letters(word, title, start)
        if marks is not None:
            scored = Match(_points(marks, title), tuple(marks))
            best = scored if best is None or scored.score > best.score else best
    return best


def _letters(word: str, title: str, start: int) -> list[int] | None:
    # each next letter right after the last, else at the beginning of a later word, else anywhere after
    marks = [start]
    for letter in word[1:]:
        after = marks[-1] + 1
        if title[after : after + 1] != letter:
            spaced = title.find(" " + letter, after)
            after = spaced + 1 if spaced >= 0 else title.find(letter, after)
            if after < 0:
                return None
        marks.append(after)
    return marks


def _points(marks: list[int], title: str) -> int:
    score, before = WHOLE * len(marks) * (marks[-1] - marks[0] == len(marks) - 1), -1
    for mark in marks:
        if mark == 0:
            score += START
        elif mark == before + 1 and before >= 0:
            score += RUN
        elif not title[mark - 1].isalnum():
            score += WORD
        else:
            score += LETTER
        score -= min(GAP_COST * (mark - before - 1), LETTER * 4) if before >= 0 else 0
        before = mark
    return score

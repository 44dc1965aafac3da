"""Bookmarks of a session: notes on states of the log, kept by node so that every branch has its own.

The jobs here change nothing but names; they go through the queue so that they meet the operations in order.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define

from rmapexplorer.core.units import KernelError
from rmapexplorer.engine.frames import Bookmark
from rmapexplorer.engine.stage import Stage
from rmapexplorer.engine.steps import AtOnce
from rmapexplorer.engine.timeline import Timeline
from rmapexplorer.formats.outline import Note

MOST_LETTERS = 400
"""Longest text of a bookmark made here."""


def nodes_of(line: Timeline, notes: Sequence[Note]) -> list[tuple[int, str]]:
    """The notes of a session by node of its log."""
    paths: dict[str, list[int]] = {}
    found = []
    for note in notes:
        name = note.branch or line.branch
        if name not in paths:
            paths[name] = line.path_to(line.branches[name])
        position = min(note.position, len(paths[name]))
        found.append((paths[name][position - 1] if position else -1, note.text))
    return found


def marks_of(line: Timeline, bookmarks: Sequence[tuple[int, str]]) -> tuple[Bookmark, ...]:
    """The bookmarks as positions: those of the current branch in order, then those of the others with their branch."""
    here, away, names = [], [], list(line.branches)
    for node, text in bookmarks:
        if line.on_path(node):
            here.append(Bookmark(position=line.depth(node), text=text))
        elif (number := line.owners[node]) >= 0:
            away.append(Bookmark(position=line.depth(node), text=text, branch=names[number]))
    return (
        *sorted(here, key=lambda mark: mark.position),
        *sorted(away, key=lambda mark: (mark.branch, mark.position)),
    )


@define(eq=False)
class SetBookmark(AtOnce):
    """Write ``text`` at a position of the current branch in place of what stood there; None takes it away."""

    number: int
    position: int
    text: str | None
    title: str = "Bookmark"

    def act(self, stage: Stage) -> None:
        """All of it."""
        node = stage.line.node_at(max(0, min(self.position, stage.line.head)))
        kept = [mark for mark in stage.bookmarks if mark[0] != node]
        if self.text is not None:
            kept.append((node, self.text[:MOST_LETTERS]))
        stage.bookmarks[:] = kept


@define(eq=False)
class RenameBranch(AtOnce):
    """Give a branch another name."""

    number: int
    old: str
    new: str
    title: str = "Renaming the branch"

    def act(self, stage: Stage) -> None:
        """All of it. :raises KernelError: there is no such branch, or the name is taken."""
        line = stage.line
        if self.old not in line.branches:
            raise KernelError("EINVAL", f"There is no branch named {self.old!r} any more.")
        if problem := name_problem(self.new, [name for name in line.branches if name != self.old]):
            raise KernelError("EINVAL", problem)
        line.rename(self.old, self.new)


def name_problem(new: str, others: Sequence[str]) -> str:
    """Why a branch cannot be called ``new`` beside ``others``; empty where it can."""
    if not new.strip():
        return "A branch needs a name."
    if new in others:
        return f"There is a branch named {new!r} already; choose another name."
    return ""

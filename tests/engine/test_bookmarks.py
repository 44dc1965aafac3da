"""Bookmarks belong to states of the log: they stay where the user put them, on every branch, and in the file."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from rmapexplorer.core.operations import Exit, Touch
from rmapexplorer.engine.bookmarks import MOST_LETTERS, RenameBranch, SetBookmark, marks_of, name_problem
from rmapexplorer.engine.frames import Bookmark, Notice
from rmapexplorer.engine.timeline import Timeline, grown

from .real_driver import Hand
from .worlds import letter


def mark(hand: Hand, position: int, text: str | None) -> None:
    hand.job(lambda number: SetBookmark(number=number, position=position, text=text))


def marks(hand: Hand) -> list[tuple[int, str, str]]:
    return [(m.position, m.text, m.branch) for m in hand.frame.bookmarks]


def branched() -> Hand:
    """A session with bookmarks before the fork of its branches and behind it, on both."""
    hand = Hand(letter(), 6)
    hand.seek(6)
    mark(hand, 2, "shared")
    mark(hand, 5, "on main")
    hand.seek(3)
    hand.submit(Touch(pid=1, runs=((20, 22, "w"),)), Touch(pid=1, runs=((24, 26, "w"),)))
    mark(hand, 5, "on the other")
    return hand


def test_a_bookmark_is_set_written_over_and_taken_away() -> None:
    hand = Hand(letter(), 6)
    mark(hand, 4, "")
    mark(hand, 1, "early")
    assert hand.frame.bookmarks == (Bookmark(position=1, text="early"), Bookmark(position=4, text=""))
    mark(hand, 4, "the fork")
    assert marks(hand) == [(1, "early", ""), (4, "the fork", "")]
    mark(hand, 1, None)
    mark(hand, 3, None)
    assert marks(hand) == [(4, "the fork", "")]


def test_places_beyond_the_end_and_long_texts_are_cut() -> None:
    hand = Hand(letter(), 6)
    mark(hand, 99, "x" * 1000)
    assert marks(hand) == [(6, "x" * MOST_LETTERS, "")]
    mark(hand, 0, "before all")
    assert marks(hand)[0] == (0, "before all", "")


def test_every_branch_has_its_own_and_they_share_what_lies_before() -> None:
    hand = branched()
    first, second = hand.stage.line.branches
    assert hand.frame.branch == second
    assert marks(hand) == [(2, "shared", ""), (5, "on the other", ""), (5, "on main", first)]
    hand.branch(first)
    assert marks(hand) == [(2, "shared", ""), (5, "on main", ""), (5, "on the other", second)]


def test_saved_and_opened_again_they_are_where_they_were(tmp_path: Path) -> None:
    hand = branched()
    path = str(tmp_path / "marked.rmap")
    hand.conductor.save(path, 5)
    hand.run()
    hand.run()
    again = Hand()
    again.conductor.open(path, 77, lambda: False)
    again.run()
    assert marks(again) == marks(hand)
    for name in hand.stage.line.branches:
        hand.branch(name)
        again.branch(name)
        assert marks(again) == marks(hand)
        assert again.digests() == hand.digests()


def test_a_branch_gets_another_name_and_its_bookmarks_follow() -> None:
    hand = branched()
    first, second = hand.stage.line.branches
    hand.job(lambda number: RenameBranch(number=number, old=first, new="the letter"))
    assert set(hand.frame.branches) == {"the letter", second}
    assert marks(hand)[-1] == (5, "on main", "the letter")
    hand.job(lambda number: RenameBranch(number=number, old=second, new="mine"))
    assert hand.frame.branch == "mine"
    hand.branch("the letter")
    assert hand.frame.branch == "the letter"


@pytest.mark.parametrize("new", ["", "   ", "main"])
def test_a_name_that_is_empty_or_taken_is_refused(new: str) -> None:
    hand = branched()
    names = dict(hand.stage.line.branches)
    other = next(name for name in names if name != "main")
    hand.job(lambda number: RenameBranch(number=number, old=other, new=new))
    assert dict(hand.stage.line.branches) == names
    assert [m.text for m in hand.told if isinstance(m, Notice)][-1].startswith(
        name_problem(new, ["main"]).split(";")[0]
    )


def test_a_branch_that_is_gone_cannot_be_renamed() -> None:
    hand = branched()
    hand.job(lambda number: RenameBranch(number=number, old="nowhere", new="here"))
    assert "nowhere" in [m.text for m in hand.told if isinstance(m, Notice)][-1]


class Counting(list[int]):
    """Notes how often it is read."""

    reads = 0

    def __getitem__(self, at: Any) -> Any:
        self.reads += 1
        return super().__getitem__(at)


def test_a_frame_walks_no_branch_for_its_bookmarks() -> None:
    """They are in every frame: what they cost must not grow with the log."""
    line = Timeline()
    for branch in range(4):
        line.seek(100)
        for _ in range(300):
            line.append(Exit(pid=1))
        assert len(line.branches) == branch + 1
    bookmarks = [(node, str(node)) for node in range(0, len(line.operations), 40)]
    before = marks_of(line, bookmarks)
    line.parents = counting = Counting(line.parents)
    assert marks_of(line, bookmarks) == before and len(before) == len(bookmarks)
    assert counting.reads == 0


def test_who_owns_an_operation_is_the_same_after_loading() -> None:
    line, dice = Timeline(), random.Random(5)
    for _ in range(300):
        what = dice.randrange(10)
        if what == 0:
            line.seek(dice.randrange(line.head + 1))
        elif what == 1:
            line.switch(dice.choice(list(line.branches)))
            line.seek(line.head)
        else:
            line.append(Exit(pid=1))
    again = grown(line.operations, line.parents, line.branches, line.branch)
    assert again.owners == line.owners and max(line.owners) > 5
    again.append(Exit(pid=1))
    line.seek(again.cursor - 1)
    line.append(Exit(pid=1))
    assert again.owners == line.owners

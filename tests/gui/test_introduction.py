"""What introduces the subject: first card of the tour, first page of the help, tips of the designs, a lesson, palette words."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from rmapexplorer.core.metrics import METRICS, figures
from rmapexplorer.core.operations import Fork, Mmap, Touch
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import DESIGNS, design_named
from rmapexplorer.formats.open import load_any
from rmapexplorer.gui import help_text
from rmapexplorer.gui.gallery import LESSONS, scenarios
from rmapexplorer.gui.memory_legend import SIGNS
from rmapexplorer.gui.overhead import DEFAULT
from rmapexplorer.gui.palette import ranked
from rmapexplorer.gui.palette_entries import entries
from rmapexplorer.gui.toolbar import design_tip
from rmapexplorer.gui.tour import STOPS
from rmapexplorer.resources import resource
from tests.gui.shell import Shell, settings, shell

__all__ = ["settings", "shell"]

LESSON = "scenarios/fork-and-copy-on-write.rmap"
LETTER = "scenarios/the-letter-in-six-operations.rmap"


def test_the_tour_begins_with_what_it_is_all_for() -> None:
    assert STOPS[0].title == "What a reverse map is for" and "from the page" in STOPS[0].text


def test_the_first_page_of_the_help_says_it_too_and_the_guide_leads_there() -> None:
    assert help_text.PARTS[0][1] == ("why",)
    page = help_text.text("why")
    assert "copy on write" in page.lower() and "scenario:fork-and-copy-on-write" in page
    assert "(help:why)" in help_text.text("guide").split("##")[0]


@pytest.mark.parametrize("kind", DESIGNS, ids=lambda kind: kind.key)
def test_the_tip_of_a_design_has_year_and_idea(kind: type) -> None:
    tip = design_tip(kind.key, kind.title)  # type: ignore[attr-defined]
    assert any(f"{year}" in tip for year in range(2001, 2027)) and f"Idea: {kind.story}" in " ".join(tip.split())  # type: ignore[attr-defined]
    assert "<" not in tip and max(map(len, tip.split("\n"))) <= 70, "it fits beside the chip"


def test_the_lesson_copies_what_its_sentences_say() -> None:
    session = load_any(str(resource(LESSON)))
    assert len(session.notes) == len(session.operations) + 1 and all(note.text for note in session.notes)
    for key, _ in session.designs:
        world, copies = World(design_named(key), session.machine), []
        for op in session.operations:
            before = world.counters["copied_by_write"]
            assert world.apply(op).error is None
            copies.append(world.counters["copied_by_write"] - before)
        assert copies == [0, 0, 0, 0, 4, 0, 2, 0], key


def test_shared_pages_are_called_what_they_are_in_every_theme() -> None:
    scenes = [load_any(str(resource(name))) for name in (LESSON, LETTER)]
    said = [note.text for scene in scenes for note in scene.notes] + [stop.text for stop in STOPS]
    said += [sign.meaning for sign in SIGNS] + [help_text.text("why"), help_text.text("panels")]
    assert sum("faded" in text.lower() for text in said) == 6
    assert not any("pale" in text.lower().split() for text in said), "in a dark theme they are the darker ones"


def test_the_help_explains_the_curves_that_are_plotted_first() -> None:
    overhead = help_text.text("panels").split("## Overhead")[1].split("\n## ")[0]
    titles = {metric.key: metric.title for metric in METRICS}
    assert all(f"*{titles[key]}*" in overhead for key in DEFAULT)


def test_what_the_help_says_of_long_and_short_walks_is_so() -> None:
    nodes = {}
    for children in (1, 30):
        for key in ("pte_chain", "anonmm", "anon_vma", "anon_vma_chain"):
            world = World(design_named(key), Machine(processes=((1, "server"),)))
            world.apply(Mmap(pid=1, span=Span(0x100, 0x108)))
            world.apply(Touch(pid=1, runs=((0x100, 0x108, "w"),)))
            for child in range(2, 2 + children):
                world.apply(Fork(pid=1, child=child))
                world.apply(Touch(pid=child, runs=((0x100, 0x108, "w"),)))
            nodes[key, children] = figures(world)["probe_nodes"]
    assert max(nodes[key, 1] for key in ("pte_chain", "anonmm", "anon_vma")) < nodes["anon_vma_chain", 1]
    assert nodes["anon_vma_chain", 30] < nodes["anon_vma", 30] / 5


def test_the_lesson_is_the_first_card_of_the_gallery() -> None:
    first = scenarios()[0]
    assert (first.name, first.section) == (LESSON, LESSONS)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("copy on write", "Copy on write: see it happen"),
        ("cow", "Copy on write: see it happen"),
        ("why merge", "Why vmas do not merge: the inspector says"),
        ("reverse map", "What a reverse map is for"),
        ("legend", "What the colours of the memory map mean"),
        ("why mremap", "Why mremap is a problem for anonmm"),
    ],
)
def test_the_palette_knows_the_words_of_somebody_new(shell: Shell, qtbot: QtBot, query: str, found: str) -> None:
    rows = ranked(entries(shell.window), query, [])
    assert found in [row.title for row in rows[:4]]

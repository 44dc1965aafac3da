"""Pages in the memory map: copy on write is seen in three colourings, from far too; the legend and the tips say what is what."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QImage

from rmapexplorer.core.operations import Fork, Mmap, Mremap, Operation, Spawn, Touch
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named
from rmapexplorer.engine.frames import Frame
from rmapexplorer.engine.snapshot import columns
from rmapexplorer.gui import memory_pages, memory_paint, memory_style
from rmapexplorer.gui.memory_legend import Legend, occurring, sample_tokens
from rmapexplorer.gui.memory_map import MemoryMap
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.theme import Themes
from tests.gui import frame_factory


def frame_of(*more: Operation, pages: int = 16, design: str = "anon_vma") -> Frame:
    """Two processes that share ``pages`` pages from page 0x1000 on, and what they do then."""
    span = (0x1000, 0x1000 + pages)
    world = World(design_named(design), Machine())
    for op in (
        Spawn(pid=1, comm="server"),
        Mmap(pid=1, span=Span(*span)),
        Touch(pid=1, runs=((*span, "w"),)),
        Fork(pid=1, child=2, comm="worker"),
        *more,
    ):
        assert world.apply(op).error is None
    seen = columns(world, None)
    return Frame(
        generation=0, serial=0, position=4, head=4, op_text="", view=design, designs=(), tasks=seen.tasks,
        vmas=seen.vmas, files=seen.files, labels=seen.labels,
    )  # fmt: skip


def write(low: int, high: int) -> Touch:
    return Touch(pid=2, runs=((0x1000 + low, 0x1000 + high, "w"),))


class Shown:
    """A map of one frame, and the colours along the middle of a row."""

    def __init__(self, qtbot: Any, frame: Frame, mode: str = "anon_vma", theme: str = "dark") -> None:
        self.map = MemoryMap(Selection(), Themes(theme))
        qtbot.addWidget(self.map)
        self.map.resize(900, 260)
        self.map.show()
        self.map.colour.set_key(mode)
        self.map.canvas.set_mode(mode)
        self.map.set_frame(frame)
        self.image: QImage = self.map.canvas.viewport().grab().toImage()

    def colour(self, row: int, vpn: float, low: float = 0.3) -> tuple[int, int, int]:
        s = self.map.canvas.scene
        assert s is not None
        x = s.gutter + float(s.window.x(s.axis.unit(0x1000 + vpn)))
        c = self.image.pixelColor(round(x), round(s.y(row) + low * s.box_height))
        return c.red(), c.green(), c.blue()


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("mode", ["anon_vma", "sharing", "state"])
def test_written_pages_of_a_forked_vma_look_other_than_the_rest(qtbot: Any, mode: str, theme: str) -> None:
    before, after = (Shown(qtbot, frame, mode, theme) for frame in (frame_of(), frame_of(write(11, 15))))
    assert before.colour(1, 12.5) == before.colour(1, 3.5), "all are shared alike"
    assert after.colour(1, 3.5) == before.colour(1, 3.5)
    assert after.colour(1, 12.5) != after.colour(1, 3.5)
    assert after.colour(0, 12.5) != after.colour(0, 3.5), "nobody shares them with the parent any more"
    assert after.colour(1, 12.5, 0.04) != after.colour(0, 12.5, 0.04), "which is the copy says the line above"


def test_under_one_anon_vma_a_process_the_copies_have_the_colour_of_the_child(qtbot: Any) -> None:
    shown = Shown(qtbot, frame_of(write(11, 15), design="anon_vma_chain"))
    theme = shown.map._theme
    assert theme is not None
    assert shown.colour(1, 12.5) == theme.family(1).getRgb()[:3]
    assert shown.colour(0, 12.5) == theme.family(0).getRgb()[:3]


def test_a_part_of_many_pages_is_shown_in_its_proportion(qtbot: Any) -> None:
    """A hundred thousand pages, one in four written: each pixel column holds hundreds and mixes their colours."""
    pages = 100_000
    ops = Touch(pid=2, runs=tuple((0x1000 + k, 0x1000 + k + 10, "w") for k in range(0, pages // 2, 40)))
    shown = Shown(qtbot, frame_of(ops, pages=pages), "sharing")
    theme = shown.map._theme
    assert theme is not None
    own, shared = (np.array(theme.family(n).getRgb()[:3], float) for n in (1, 2))
    mixed, rest = (np.array(shown.colour(1, at * pages, 0.3), float) for at in (0.2, 0.9))
    assert np.abs(rest - shared).max() <= 1
    assert np.abs(mixed - (own + 3 * shared) / 4).max() <= 6


def test_absent_pages_are_pale_beside_touched_ones(qtbot: Any) -> None:
    grown = Mremap(pid=2, span=Span(0x1000, 0x1010), new_pages=32)
    shown = Shown(qtbot, frame_of(grown), "kind")
    assert shown.colour(1, 28.5) != shown.colour(1, 3.5)


def test_the_legend_names_what_occurs_and_its_tip_explains_it(qtbot: Any) -> None:
    moved = Mremap(pid=2, span=Span(0x1008, 0x100C), new_pages=4, to=0x1010)
    keys = {sign.key for sign in occurring(frame_of(write(0, 4), moved), marked=True)}
    assert keys == {"own", "shared", "copied", "from", "owner", "mark"}
    assert {sign.key for sign in occurring(frame_of(), marked=False)} == {"shared", "owner"}
    shown = Shown(qtbot, frame_of(write(0, 4), moved))
    legend = shown.map.findChild(Legend)
    assert legend is not None and legend.isVisible() and len(legend.places()) >= 4
    assert "copy on write" in legend.toolTip() and "mremap" in legend.toolTip()
    legend.resize(150, legend.height())
    assert 0 < len(legend.places()) < 4, "what does not fit is in the tip only"


def test_the_samples_have_the_colours_of_the_map_under_each_design() -> None:
    assert sample_tokens(frame_of(write(0, 4), design="pte_chain"), "anon_vma") == {
        "": "other", "own": "other", "shared": "other", "copied": "other",
    }  # fmt: skip
    frame = frame_of(write(0, 4), design="anonmm")
    tokens = sample_tokens(frame, "anon_vma")
    parent, child = (f"fam:{int(number) % 6}" for number in frame.vmas.anon)
    assert parent != child and (tokens["shared"], tokens["copied"], tokens["band"]) == (parent, child, child)
    assert sample_tokens(frame, "sharing")["shared"] == "fam:2"


def test_the_line_at_the_bottom_is_named_where_it_differs_from_the_pages() -> None:
    assert "band" in {sign.key for sign in occurring(frame_of(design="anon_vma_chain"), marked=False)}
    assert "band" not in {sign.key for sign in occurring(frame_of(design="pte_chain"), marked=False)}


def test_the_legend_names_the_frames_of_a_walk_and_the_line_between_rows(qtbot: Any) -> None:
    frame = frame_factory.letter()
    assert frame.detail is not None and frame.detail.walk is not None
    shown = Shown(qtbot, frame)
    legend = shown.map.findChild(Legend)
    assert legend is not None
    before = {sign.key for sign in legend.signs}
    assert "joined" in before and not before & {"hit", "miss"}
    shown.map.set_walk_step(len(frame.detail.walk.steps))
    walked = {step.hit for step in frame.detail.walk.steps}
    assert {sign.key for sign in legend.signs} - before == {"hit" if hit else "miss" for hit in walked}
    assert "green frame" in legend.toolTip() and "dotted line" in legend.toolTip()
    legend.resize(2000, legend.height())
    image = legend.grab().toImage()
    x = {sign.key: round(at) for sign, at in legend.places()}["hit"]
    good = Themes("dark").current.color("good")
    assert any(image.pixelColor(x + dx, y) == good for dx in range(15) for y in range(image.height()))
    shown.map.set_walk_step(0)
    assert {sign.key for sign in legend.signs} == before


def test_tips_say_what_a_page_is_and_what_the_dashed_place_is(qtbot: Any) -> None:
    moved = Mremap(pid=2, span=Span(0x1008, 0x100C), new_pages=4, to=0x1010)
    shown = Shown(qtbot, frame_of(write(0, 4), moved))
    canvas, s = shown.map.canvas, shown.map.canvas.scene
    assert s is not None

    def tip(row: int, vpn: float) -> str:
        from PySide6.QtCore import QPointF

        at = QPointF(s.gutter + float(s.window.x(s.axis.unit(0x1000 + vpn))), s.y(row) + s.box_height / 2)
        return canvas.tip(canvas.hit(at), at)

    assert "copy on write" in tip(1, 1.5) and "this process alone" in tip(0, 1.5)
    assert "mapped more than once" in tip(1, 5.5)
    assert "mremap moved what was here to" in tip(1, 9.5)


def test_words_keep_clear_of_the_selected_page(qtbot: Any) -> None:
    """The word of a vma stands beside the wash over the selected page, not under it."""
    shown = Shown(qtbot, frame_of())
    s = shown.map.canvas.scene
    assert s is not None
    s.spots = {1: [0x1006]}
    x0, x1 = s.edges(np.array([0x1000]), np.array([0x1010]))
    left, right = memory_paint._free_of_bars(s, 1, x0, x1)
    a, b = s.edges(0x1006, 0x1007)
    assert float(b - a) > memory_paint.WASHED
    assert right[0] <= a or left[0] >= b


def test_columns_beside_the_boxes_are_no_trouble_at_high_addresses(qtbot: Any) -> None:
    """Page numbers of 64-bit addresses leave no room for a small epsilon: pixel columns in gaps hold no page at all."""
    far = Span(0x7F0000000, 0x7F0000008)
    more = (Mmap(pid=2, span=far), Touch(pid=2, runs=((far.start, far.end, "w"),)))
    shown = Shown(qtbot, frame_of(*more))
    assert shown.colour(1, far.start - 0x1000 + 2.5) == shown.colour(1, far.start - 0x1000 + 5.5)


def test_owners_have_the_name_they_have_under_the_design_in_view(qtbot: Any) -> None:
    words = {
        design: memory_style.words(frame_of(design=design), 0, False)[-1]
        for design in ("anon_vma", "anonmm", "anon_vma_chain", "pte_chain")
    }
    assert words == {"anon_vma": "A0", "anonmm": "M0", "anon_vma_chain": "A0", "pte_chain": "anon"}
    shown = Shown(qtbot, frame_of(design="anonmm"))
    legend = shown.map.findChild(Legend)
    assert legend is not None and "M0, M1" in legend.toolTip()


def test_the_few_wide_vmas_of_a_crowded_row_show_their_pages_too(qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Shown(qtbot, frame_of(write(11, 15)), "state")
    monkeypatch.setattr(memory_pages, "MANY", 0)
    crowded = Shown(qtbot, frame_of(write(11, 15)), "state")
    for page in (3.5, 12.5):
        assert crowded.colour(1, page) == plain.colour(1, page)

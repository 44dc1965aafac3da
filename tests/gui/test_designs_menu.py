"""The Designs menu: any worlds up to eight, made from the Option records of the designs, two variants of one included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from attrs import evolve
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget
from pytestqt.qtbot import QtBot

from rmapexplorer.core.units import KernelError
from rmapexplorer.designs.registry import DESIGNS, design_named
from rmapexplorer.gui import icons
from rmapexplorer.gui.designs_menu import MOST, DesignsMenu, having, world_of
from rmapexplorer.gui.icons import marker
from rmapexplorer.gui.inspector_parts import GLYPHS
from rmapexplorer.gui.theme import MARKERS, Themes, look
from tests.gui.fake_engine import DESIGNS as FAKES

FOUR = ["pte_chain", "anonmm", "anon_vma", "anon_vma_chain"]


class Bench:
    """The menu of the invented designs, and what was chosen in it."""

    def __init__(
        self, qtbot: QtBot, keys: list[str], view: str = "anon_vma_chain", designs: Sequence[Any] = FAKES
    ) -> None:
        self.owner = QWidget()
        qtbot.addWidget(self.owner)
        self.menu = QMenu(self.owner)
        self.designs = DesignsMenu(self.menu, designs, self.owner, Themes().current)
        self.chosen: list[list[tuple[str, dict[str, str]]]] = []
        self.viewed: list[str] = []
        self.designs.chosen.connect(self.chosen.append)
        self.designs.viewed.connect(self.viewed.append)
        self.designs.set_worlds(keys, view)

    def item(self, design: str, *path: str) -> QAction:
        menu = self.designs.open(design)
        for title in path[:-1]:
            menu = next(
                q.menu()
                for q in menu.actions()
                if q.menu() is not None and q.text().replace("&", "").partition(":")[0] == title
            )
        return next(q for q in menu.actions() if q.text() == path[-1])


@pytest.fixture
def four(qtbot: QtBot) -> Bench:
    return Bench(qtbot, FOUR)


def test_what_runs_is_listed_and_shown_on_click(four: Bench) -> None:
    assert list(four.designs.shown) == FOUR
    assert [key for key, q in four.designs.shown.items() if q.isChecked()] == ["anon_vma_chain"]
    four.designs.shown["anonmm"].trigger()
    assert four.viewed == ["anonmm"]
    assert [q.shortcut().toString() for q in four.designs.shown.values()] == [f"Ctrl+{n}" for n in range(1, 5)]


def test_a_design_is_stopped_and_started_again(four: Bench, qtbot: QtBot) -> None:
    four.item("anon_vma", "Run anon_vma").trigger()
    assert four.chosen[-1] == [("pte_chain", {}), ("anonmm", {}), ("anon_vma_chain", {})]
    four.designs.set_worlds([key for key in FOUR if key != "anon_vma"], "anonmm")
    assert [key for key, menu in four.designs.menus.items() if "✓" not in menu.title()] == ["anon_vma"]
    four.item("anon_vma", "Run anon_vma").trigger()
    assert four.chosen[-1] == [(key, {}) for key in FOUR]  # in its place


def test_an_option_changes_the_world_that_runs(four: Bench) -> None:
    assert four.item("anonmm", "variant", "4e (default)").isChecked()
    four.item("anonmm", "variant", "4c").trigger()
    assert four.chosen[-1][1] == ("anonmm", {"variant": "4c"})
    assert len(four.chosen[-1]) == 4


def test_a_variant_runs_beside_its_design(four: Bench) -> None:
    four.item("anonmm", "Add a variant", "variant: 4c").trigger()
    assert four.chosen[-1][1:3] == [("anonmm", {}), ("anonmm", {"variant": "4c"})]
    four.designs.set_worlds(["anonmm", "anonmm:variant=4c"], "anonmm:variant=4c")
    assert not four.item("anonmm", "variant", "4e (default)").isEnabled()  # runs already
    four.item("anonmm", "Run anonmm 4c").trigger()
    assert four.chosen[-1] == [("anonmm", {})]


def test_the_last_one_cannot_be_stopped(qtbot: QtBot) -> None:
    one = Bench(qtbot, ["pte_chain"], "pte_chain").item("pte_chain", "Run pte_chain")
    assert not one.isEnabled()
    assert "only one" in one.toolTip()


def test_eight_is_the_most(qtbot: QtBot) -> None:
    full = Bench(qtbot, ["pte_chain", "anonmm", *(f"anonmm:x={n}" for n in range(MOST - 2))], "anonmm")
    item = full.item("anon_vma", "Run anon_vma")
    assert not item.isEnabled()
    assert "stop one first" in item.toolTip()
    assert len(full.designs.shown) == MOST


@pytest.mark.parametrize("design", DESIGNS, ids=lambda d: d.key)
def test_every_value_of_every_real_option_makes_a_world_the_registry_knows(design: type) -> None:
    for option in design.OPTIONS:  # type: ignore[attr-defined]
        for value in option.values:
            world = having(design, world_of(design.key), option.name, value)  # type: ignore[attr-defined]
            assert world_of(world.key) == world
            assert (":" in world.key) == (value != option.values[0])
            try:
                design_named(world.key)
            except KernelError as refused:  # by the design, because of its other options
                assert "has no option" not in refused.rule


@pytest.mark.parametrize(
    ("key", "path", "needs"),
    [
        ("anon_vma", ("alloc", "fork"), "direct=naive"),
        ("anon_vma", ("Add a variant", "alloc: fork"), "direct=naive"),
        ("pte_chain:layout=linked", ("slots", "7"), "layout=linked"),
    ],
)
def test_options_that_contradict_each_other_cannot_be_chosen_and_say_why(
    qtbot: QtBot, key: str, path: tuple[str, str], needs: str
) -> None:
    real = Bench(qtbot, [key], key, DESIGNS)
    item = real.item(key.partition(":")[0], *path)
    assert not item.isEnabled()
    assert needs in item.toolTip()
    assert real.item("anon_vma", "direct", "fixup").isEnabled()


def test_variants_differ_from_their_design_and_each_other_in_colour_mark_and_dash() -> None:
    theme, keys = Themes().current, ("anonmm", "anonmm:variant=4a", "anonmm:variant=4c")
    assert len({look(key).dash for key in keys}) == len({look(key).marker for key in keys}) == 3
    assert len({theme.design(key).name() for key in keys}) == 3


def test_every_marker_has_its_own_picture_and_its_own_letter(monkeypatch: pytest.MonkeyPatch, qapp: object) -> None:
    theme, seen = Themes().current, set()
    for name in MARKERS.values():
        monkeypatch.setattr(icons, "look", lambda _, name=name: evolve(look("anonmm"), marker=name))
        picture = marker("tried", theme, 24).pixmap(24, 24).toImage()
        seen.add(bytes(picture.constBits()))
    assert len(seen) == len(MARKERS)
    assert set(GLYPHS) == set(MARKERS.values())
    assert len(set(GLYPHS.values())) == len(GLYPHS)

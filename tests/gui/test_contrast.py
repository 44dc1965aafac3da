"""Contrast, from the token table: every text token at least 4.5, every data colour at least 3, in every theme.

The thresholds are those of WCAG 2.2, success criteria 1.4.3 (text) and 1.4.11 (graphics).
"""

from __future__ import annotations

import pytest
from PySide6.QtGui import QColor

from rmapexplorer.designs.registry import DESIGNS, world_key
from rmapexplorer.gui.settings import THEMES
from rmapexplorer.gui.theme import OPPOSITE, Theme, contrast, load_themes

TEXT = ("text", "dim", "faint", "accent", "good", "bad", "warn")
GROUNDS = ("bg", "panel", "raised")
DATA = ("pte_chain", "anonmm", "anon_vma", "avc", "shared", "other", "file")
EVERY = load_themes()


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("token", TEXT)
def test_text_is_readable_on_every_ground(name: str, token: str) -> None:
    theme = EVERY[name]
    poor = {g: round(contrast(theme.color(token), theme.color(g)), 2) for g in GROUNDS}
    assert min(poor.values()) >= 4.5, poor


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("token", ["text", "dim", "accent"])
def test_text_is_readable_where_it_is_selected(name: str, token: str) -> None:
    theme = EVERY[name]
    assert contrast(theme.color(token), theme.color("sel")) >= 4.5


@pytest.mark.parametrize("name", EVERY)
def test_data_colours_stand_out(name: str) -> None:
    theme = EVERY[name]
    colours = {token: theme.color(token) for token in DATA}
    colours |= {f"family {n}": theme.family(n) for n in range(6)}
    poor = {
        (what, ground): round(contrast(colour, theme.color(ground)), 2)
        for what, colour in colours.items()
        for ground in ("bg", "panel")
        if contrast(colour, theme.color(ground)) < 3
    }
    assert poor == {}


@pytest.mark.parametrize("name", EVERY)
def test_words_on_data_are_readable(name: str) -> None:
    theme = EVERY[name]
    grounds = [theme.family(n) for n in range(6)] + [theme.color(kind.LOOK[0]) for kind in DESIGNS]
    assert min(contrast(theme.on(ground), ground) for ground in grounds) >= 4.5


@pytest.mark.parametrize("name", EVERY)
def test_worlds_and_their_variants_stand_out(name: str) -> None:
    theme = EVERY[name]
    variants = [world_key(kind.key, {o.name: value}) for kind in DESIGNS for o in kind.OPTIONS for value in o.values]
    keys = [*(kind.key for kind in DESIGNS), *variants]
    assert min(contrast(theme.design(key), theme.color("panel")) for key in keys) >= 3


def test_high_contrast_is_higher_than_that() -> None:
    for name in ("contrast", "contrast_light"):
        theme = EVERY[name]
        for token in TEXT:
            assert contrast(theme.color(token), theme.color("bg")) >= 7, (name, token)


def test_every_theme_has_the_same_tokens_and_can_be_chosen() -> None:
    tables = [set(theme.tokens) for theme in EVERY.values()]
    assert all(table == tables[0] for table in tables)
    assert set(EVERY) == set(THEMES) - {"system"} == set(OPPOSITE)


def test_the_ratio_is_that_of_the_standard() -> None:
    assert contrast(QColor("#000000"), QColor("#ffffff")) == pytest.approx(21)
    assert contrast(QColor("#777777"), QColor("#ffffff")) == pytest.approx(4.48, abs=0.01)
    assert isinstance(EVERY["dark"], Theme)

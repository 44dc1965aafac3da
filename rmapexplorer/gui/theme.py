"""The token table (resources/themes/tokens.json) as colours, fonts and palette: the only source of either."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from attrs import frozen
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette

from rmapexplorer.designs.looks import look_words, shaded
from rmapexplorer.resources import resource


@frozen
class Look:
    """How a design is drawn everywhere: colour token, and a second channel of dash and marker.

    ``marker`` is a pyqtgraph symbol, one of MARKERS.
    """

    token: str
    marker: str
    dash: Qt.PenStyle


MARKERS = {"square": "s", "triangle": "t1", "circle": "o", "diamond": "d", "star": "star", "cross": "x",
            "plus": "+", "pentagon": "p", "hexagon": "h", "down": "t"}  # fmt: skip
"""Words of a LOOK -> pyqtgraph symbols."""
_DASHES = {
    "solid": Qt.PenStyle.SolidLine,
    "dash": Qt.PenStyle.DashLine,
    "dot": Qt.PenStyle.DotLine,
    "dash dot": Qt.PenStyle.DashDotLine,
    "dash dot dot": Qt.PenStyle.DashDotDotLine,
}


@lru_cache(maxsize=256)
def look(design: str) -> Look:
    """The look of a world by key; a variant of a design has another mark and another dash."""
    token, marker, dash = look_words(design)
    return Look(token, MARKERS[marker], _DASHES[dash])


class Theme:
    """One column of the token table."""

    def __init__(self, name: str, tokens: dict[str, Any]) -> None:
        self.name = name
        self.tokens = tokens

    @property
    def dark(self) -> bool:
        """True where text is lighter than its background."""
        return self.color("bg").lightnessF() < 0.5

    def color(self, token: str) -> QColor:
        """A token as a colour; KeyError for a token the table does not have."""
        return QColor(self.tokens[token])

    def family(self, number: int) -> QColor:
        """Colour of an anon_vma family (any int >= 0; they repeat)."""
        return QColor(self.tokens["fam"][number % len(self.tokens["fam"])])

    def design(self, key: str) -> QColor:
        """Colour of a world by key: its design's, of a variant a shade of it."""
        color = self.color(look(key).token)
        return QColor(shaded(key, color.name(), self.color("text").name())) if ":" in key else color

    def on(self, background: QColor) -> QColor:
        """Black or white, whichever is easier to read on ``background``."""
        return max((QColor("#0d1014"), QColor("#ffffff")), key=lambda ink: contrast(ink, background))

    def palette(self) -> QPalette:
        """The Fusion palette of this theme."""
        p, c = QPalette(), self.color
        roles = {
            QPalette.ColorRole.Window: "bg", QPalette.ColorRole.WindowText: "text", QPalette.ColorRole.Base: "panel",
            QPalette.ColorRole.AlternateBase: "raised", QPalette.ColorRole.Text: "text",
            QPalette.ColorRole.Button: "raised", QPalette.ColorRole.ButtonText: "text",
            QPalette.ColorRole.BrightText: "bad", QPalette.ColorRole.ToolTipBase: "raised",
            QPalette.ColorRole.ToolTipText: "text", QPalette.ColorRole.Highlight: "sel",
            QPalette.ColorRole.HighlightedText: "text", QPalette.ColorRole.Link: "accent",
            QPalette.ColorRole.LinkVisited: "accent", QPalette.ColorRole.PlaceholderText: "faint",
            QPalette.ColorRole.Light: "line", QPalette.ColorRole.Midlight: "line", QPalette.ColorRole.Mid: "line",
            QPalette.ColorRole.Dark: "bg", QPalette.ColorRole.Shadow: "bg", QPalette.ColorRole.Accent: "accent",
        }  # fmt: skip
        for role, token in roles.items():
            p.setColor(role, c(token))
        for role in (QPalette.ColorRole.Text, QPalette.ColorRole.WindowText, QPalette.ColorRole.ButtonText):
            p.setColor(QPalette.ColorGroup.Disabled, role, c("faint"))
        return p


OPPOSITE = {"dark": "light", "light": "dark", "contrast": "contrast_light", "contrast_light": "contrast"}
"""A theme -> the one with text and background the other way round."""


def between(one: QColor, other: QColor, share: float) -> QColor:
    """The colour ``share`` (0..1) of the way from ``one`` to ``other``."""
    mixed = [round(a + (b - a) * share) for a, b in zip(one.getRgb()[:3], other.getRgb()[:3], strict=True)]  # type: ignore[index]
    return QColor(*mixed)


def contrast(one: QColor, other: QColor) -> float:
    """Contrast ratio of two colours as WCAG 2 defines it, 1 to 21."""
    bright, dull = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dull + 0.05)


def luminance(color: QColor) -> float:
    """Relative luminance, 0 (black) to 1 (white)."""
    return 0.2126 * _linear(color.redF()) + 0.7152 * _linear(color.greenF()) + 0.0722 * _linear(color.blueF())


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def load_themes() -> dict[str, Theme]:
    """All themes of the token table, by name."""
    table = json.loads(resource("themes/tokens.json").read_text(encoding="utf-8"))
    return {name: Theme(name, tokens) for name, tokens in table.items()}


class Themes(QObject):
    """Holds the theme in use. Construct once, pass to every view.

    ``styled`` and then ``changed`` carry the new one: the application's palette and style sheet come first, because Qt puts
    palettes that widgets had before the sheet back when it takes the old sheet away; widgets take their colours after that.
    """

    styled = Signal(object)
    changed = Signal(object)

    def __init__(self, name: str = "dark") -> None:
        super().__init__()
        self._all = load_themes()
        self.current = self._all[name]

    @property
    def names(self) -> list[str]:
        """Names of the themes, in the order of the table."""
        return list(self._all)

    def choose(self, name: str) -> None:
        """Theme ``name`` (KeyError if there is none) is the one in use; who chooses it tells the views."""
        self.current = self._all[name]

    def use(self, name: str) -> None:
        """Switch to theme ``name`` (KeyError if there is none) and tell every view."""
        self.choose(name)
        self.styled.emit(self.current)
        self.changed.emit(self.current)


MONO_SHARE = 0.94
"""Fixed-width letters are wide: they are set this much smaller than words."""


def mono(points: float | None = None) -> QFont:
    """The fixed-width face of numbers and addresses, by default as large as goes well with the application's text."""
    return QFont(_mono(QGuiApplication.font().pointSizeF() * MONO_SHARE if points is None else points))


@lru_cache(maxsize=64)
def _mono(points: float) -> QFont:
    # asked for with every cell that is painted; the platform's answer takes longer than painting it
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    font.setPointSizeF(points)
    return font

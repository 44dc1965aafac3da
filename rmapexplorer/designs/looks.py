"""How worlds are told apart wherever they are drawn: colour, mark and dash of their design, others for each of its variants."""

from __future__ import annotations

import colorsys

from rmapexplorer.core.design import Design
from rmapexplorer.designs.registry import DESIGNS

MARKS = ("square", "triangle", "circle", "diamond", "star", "cross", "plus", "pentagon", "hexagon", "down")
DASHES = ("solid", "dash", "dot", "dash dot", "dash dot dot")

SHADES: tuple[tuple[float, float], ...] = ((0, 0.5), (35, 0.2), (-35, 0.2), (0, 0.25), (35, 0.5), (-35, 0.5))
"""Of a variant's colour: degrees round the circle of hues, then the share of the way to the colour of text."""


def variant_number(key: str) -> int:
    """0 for a design with its default options, another number for each combination of others. ``key``: of a world."""
    name, _, words = key.partition(":")
    kind = next((kind for kind in DESIGNS if kind.key == name), None)
    chosen = dict(word.partition("=")[::2] for word in words.split(",") if word)
    number, step = 0, 1
    for option in kind.OPTIONS if kind is not None else ():
        value = chosen.get(option.name, option.values[0])
        number += step * (option.values.index(value) if value in option.values else 0)
        step *= len(option.values)
    return number


def look_words(key: str) -> tuple[str, str, str]:
    """(colour token, mark, dash) of a world, the last two as words of MARKS and DASHES."""
    name = key.partition(":")[0]
    token, mark, dash = next((kind.LOOK for kind in DESIGNS if kind.key == name), Design.LOOK)
    number = variant_number(key)
    return (token, _other(MARKS, mark, number), _other(DASHES, dash, number)) if number else (token, mark, dash)


def _other(words: tuple[str, ...], own: str, number: int) -> str:
    rest = [word for word in words if word != own]
    return rest[(number - 1) % len(rest)]


def shaded(key: str, color: str, text: str) -> str:
    """The colour of a world, where its design has ``color`` and words are written in ``text``; all as "#rrggbb"."""
    number = variant_number(key)
    if not number:
        return color
    turn, share = SHADES[(number - 1) % len(SHADES)]
    hue, light, saturation = colorsys.rgb_to_hls(*_parts(color))
    turned = colorsys.hls_to_rgb((hue + turn / 360) % 1, light, saturation)
    mixed = [one + (other - one) * share for one, other in zip(turned, _parts(text), strict=True)]
    return "#" + "".join(f"{round(part * 255):02x}" for part in mixed)


def _parts(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue

"""The matrix as pixels: tiles of counted cells drawn into an image at any scale, with arrays only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QColor

from rmapexplorer.engine.tiles import Tile
from rmapexplorer.gui.theme import Theme, between

Pixels = npt.NDArray[np.uint32]
GRID_FROM = 6.0
"""Pixels a cell has from which on cells are set apart."""


def ramp(theme: Theme) -> Pixels:
    """256 colours from nothing over few to many: from the background to the accent to the colour of text."""
    ground, accent, text = theme.color("hole"), theme.color("accent"), theme.color("text")
    colours = [ground]
    for shade in range(1, 256):
        share = shade / 255
        if share < 0.6:
            colours.append(between(ground, accent, 0.12 + 0.88 * share / 0.6))
        else:
            colours.append(between(accent, text, (share - 0.6) / 0.4 * 0.85))
    return np.array([colour.rgb() for colour in colours], np.uint32)


def colour(table: Pixels, shade: int) -> QColor:
    """A shade as a colour."""
    return QColor.fromRgb(int(table[shade]))


def _cells(edges: np.ndarray, count: int, scale: float, offset: float, ratio: float) -> tuple[np.ndarray, int, int]:
    # the cell of every pixel along an axis, and which pixels lie inside the tile
    at = ((np.arange(count) + 0.5) / ratio - offset) / scale
    if len(edges) < 2:
        return np.zeros(count, np.int64), 0, 0
    inside = np.searchsorted(at, [edges[0], edges[-1]], "left")
    first, last = int(inside[0]), int(inside[1])
    return np.searchsorted(edges, at, "right") - 1, first, last


def draw(
    size: tuple[int, int], scale: tuple[float, float], offset: tuple[float, float], tiles: list[Tile], table: Pixels,
    ratio: float = 1.0,
) -> Pixels:  # fmt: skip
    """The picture, [height, width]: ``tiles`` one over the other.

    :param size: width and height in device pixels. :param scale: pixels a column and a row.
    :param offset: where the origin is, in pixels. :param ratio: device pixels a pixel.
    """
    wide, high = size
    out = np.full((high, wide), table[0], np.uint32)
    for tile in tiles:
        columns, left, right = _cells(tile.column_edges, wide, scale[0], offset[0], ratio)
        rows, top, bottom = _cells(tile.row_edges, high, scale[1], offset[1], ratio)
        if right <= left or bottom <= top:
            continue
        columns, rows = columns[left:right], rows[top:bottom]
        part = table[tile.shades[rows][:, columns]]
        if scale[0] * _mean(tile.column_edges) >= GRID_FROM:
            part[:, np.r_[False, columns[1:] != columns[:-1]]] = table[0]
        if scale[1] * _mean(tile.row_edges) >= GRID_FROM:
            part[np.r_[False, rows[1:] != rows[:-1]], :] = table[0]
        out[top:bottom, left:right] = part
    return out


def _mean(edges: np.ndarray) -> float:
    return float(edges[-1] - edges[0]) / max(len(edges) - 1, 1)

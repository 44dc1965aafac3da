"""The window or one panel as PNG or SVG: painted anew at the size asked for, never a picture blown up."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QPoint, QRect, QSize
from PySide6.QtGui import QColor, QImage, QPainter, QRegion
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QWidget

from rmapexplorer import __version__
from rmapexplorer.formats import writing

SCALES = (1, 2, 3, 4)
"""Pixels for each device-independent pixel."""
QUICK = 80
"""PNG "quality" of Qt: a little larger, several times faster to write."""


def pixels(widget: QWidget, scale: int) -> QSize:
    """Size of the picture."""
    return widget.size() * scale


def image(widget: QWidget, scale: int, background: QColor) -> QImage:
    """The widget as it is, ``scale`` pixels for each of its own. A null image where there is no memory for it."""
    picture = QImage(pixels(widget, scale), QImage.Format.Format_ARGB32_Premultiplied)
    if picture.isNull():
        return picture
    picture.setDevicePixelRatio(scale)
    picture.fill(background)
    painter = QPainter(picture)
    QWidget.render(widget, painter, QPoint())
    painter.end()
    return picture


def png(picture: QImage) -> bytes:
    """The bytes of a PNG file; any thread may make them."""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture.save(buffer, "PNG", QUICK)  # type: ignore[call-overload]
    return bytes(data.data())


def write_picture(picture: QImage, path: str) -> str:
    """Write it in the format that the ending of the name says; the sentence of what went wrong, "" for nothing."""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not picture.save(buffer, Path(path).suffix[1:]):  # type: ignore[call-overload]
        return f"{path}: pictures of that kind cannot be written; choose a name that ends in .png."
    try:
        writing.write(path, (bytes(data.data()),))
    except OSError as error:
        return writing.trouble(path, error)
    return ""


def svg(widget: QWidget, title: str, background: QColor) -> bytes:
    """The bytes of an SVG file: lines and text stay what they are.

    Every widget is drawn by itself and cut at its own edges here: Qt's generator knows nothing of the clipping between
    widgets, and writes clip paths wrongly for all that do not lie in the corner.
    """
    drawing = _Drawing()
    drawing.add(widget, QPoint(0, 0), widget.rect())
    width, height = widget.width(), widget.height()
    head = (
        f'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 {width} {height}"'
    )
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<svg {head} width="{width}" height="{height}" version="1.1">\n'
        f"<title>{escape(title)}</title>\n<desc>made by rmapexplorer {__version__}</desc>\n"
        f"<defs>\n{''.join(drawing.defs)}</defs>\n"
        f'<rect width="{width}" height="{height}" fill="{background.name()}"/>\n{"".join(drawing.bodies)}</svg>\n'
    )
    font = widget.font()
    if 0 < font.stretch() < 100:  # SVG 1.1 has no stretch that readers follow
        text = text.replace(
            f'font-family="{font.family()}"', f'font-family="{font.family()} Condensed, {font.family()}"'
        )
    return text.encode()


class _Drawing:
    """Collects the drawings of a widget and of all its children, each moved to its place."""

    def __init__(self) -> None:
        self.defs: list[str] = []
        self.bodies: list[str] = []

    def add(self, widget: QWidget, place: QPoint, room: QRect) -> None:
        """A widget whose corner lies at ``place``, as far as it lies in ``room``; then what stands on it."""
        seen = QRect(place, widget.size()) & room
        if seen.isEmpty():
            return
        defs, body = _parts(_drawn(widget), f"w{len(self.bodies)}-")
        if _SHAPES.search(body):
            clip = f"w{len(self.bodies)}"
            edge = f'x="{seen.x()}" y="{seen.y()}" width="{seen.width()}" height="{seen.height()}"'
            self.defs.append(f'<clipPath id="{clip}"><rect {edge}/></clipPath>\n{defs}')
            move = f'<g transform="translate({place.x()},{place.y()})">'
            self.bodies.append(f'<g clip-path="url(#{clip})">{move}\n{body}</g></g>\n')
        for child in widget.children():
            if isinstance(child, QWidget) and child.isVisibleTo(widget) and not child.isWindow():
                self.add(child, place + child.pos(), seen)


def _drawn(widget: QWidget) -> str:
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator(QSvgGenerator.SvgVersion.Svg11)
    generator.setOutputDevice(buffer)
    generator.setSize(widget.size())
    generator.setViewBox(widget.rect())
    generator.setResolution(widget.logicalDpiX())
    painter = QPainter(generator)
    QWidget.render(widget, painter, QPoint(), QRegion(), _ALONE)  # of a view: not its scene
    painter.end()
    return bytes(data.data()).decode()


_ALONE = QWidget.RenderFlag(0)
"""Neither children nor the window's background, which are drawn by themselves."""
_SHAPES = re.compile("<(path|rect|text|line|polyline|polygon|circle|ellipse|image|use) ")
_NAMES = re.compile(r'(\bid="|url\(#|href="#)')
_NOTHING = re.compile(r"<g [^>]*>\s*</g>\n*")


def _parts(text: str, prefix: str) -> tuple[str, str]:
    # definitions and drawing of one SVG document of Qt's; names get a prefix
    start, end = text.index("<defs>") + len("<defs>"), text.index("</defs>")
    defs, body = text[start:end].strip(), text[end + len("</defs>") : text.rindex("</svg>")].strip()
    while body != (body := _NOTHING.sub("", body)):
        pass
    named = [_NAMES.sub(rf"\g<1>{prefix}", part) for part in (defs, body)]
    return (named[0] + "\n" if named[0] else ""), named[1] + "\n"

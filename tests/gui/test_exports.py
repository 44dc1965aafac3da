"""File > Export in the window: sharp pictures, SVG that others read, tables and reports written aside."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from rmapexplorer.engine.steps import Steps
from rmapexplorer.gui import export_pictures
from rmapexplorer.gui.features.exports import Exports
from rmapexplorer.gui.settings import Settings
from rmapexplorer.gui.views import make_views
from tests.exports.stages import letter
from tests.gui.shell import Shell, settings, shell

__all__ = ["settings", "shell"]

SVG = "{http://www.w3.org/2000/svg}"
BACK = QColor("#102030")


@pytest.fixture
def real(qtbot: QtBot, settings: Settings, qapp: object) -> Iterator[Shell]:
    """A window with the real views."""
    made = Shell(settings, make_views)
    made.begin(qtbot)
    yield made
    made.end()


def exports(shell: Shell) -> Exports:
    return next(one for one in shell.window.features if isinstance(one, Exports))


def saved(shell: Shell, qtbot: QtBot, path: Path, act: Any) -> Path:
    """Do it, and wait until it is told."""
    shell.dialogs.path = str(path)
    with qtbot.waitSignal(exports(shell).ended, timeout=5000) as told:
        act()
    assert told.args == [str(path), ""]
    assert f"Exported {path}" in shell.window.messagebar.text.text()
    return path


def texts(data: bytes) -> list[str]:
    return ["".join(one.itertext()).strip() for one in ET.fromstring(data).iter(f"{SVG}text")]


def drawn(data: bytes, width: int, height: int) -> QImage:
    renderer = QSvgRenderer(data)
    assert renderer.isValid()
    image = QImage(width, height, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    renderer.render(painter)
    painter.end()
    return image


class Half(QWidget):
    """Paints a green square that sticks out of it, and a line of half a point."""

    def paintEvent(self, event: object) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.fillRect(QRect(20, 20, 500, 20), QColor("#00ff00"))
        painter.fillRect(0, 0, 1, 1, QColor("#ff0000"))


class TestPictures:
    def test_a_finer_scale_is_painted_not_blown_up(self, qtbot: QtBot) -> None:
        label = QLabel("Ill")
        label.resize(60, 20)
        qtbot.addWidget(label)
        one, four = (export_pictures.image(label, scale, QColor("white")) for scale in (1, 4))
        assert (four.width(), four.height()) == (240, 80)
        blown = one.scaled(240, 80)
        blown.setDevicePixelRatio(4)
        assert four != blown
        back = QImage.fromData(export_pictures.png(four))
        assert (back.width(), back.height()) == (240, 80)

    def test_an_svg_cuts_every_widget_at_its_edges(self, qtbot: QtBot) -> None:
        outer = QWidget()
        outer.resize(200, 100)
        area = QScrollArea(outer)
        area.setGeometry(50, 10, 80, 60)
        inner = Half()
        inner.resize(300, 300)
        area.setWidget(inner)
        qtbot.addWidget(outer)
        outer.show()
        data = export_pictures.svg(outer, "t <&>", BACK)
        image = drawn(data, 200, 100)
        assert image.pixelColor(inner.mapTo(outer, QPoint(25, 25))) == QColor("#00ff00")
        assert image.pixelColor(5, 95) == BACK
        tree = ET.fromstring(data)  # Qt's own renderer does not cut, browsers do
        assert tree.findtext(f"{SVG}title") == "t <&>"
        groups = [one for one in tree.findall(f"{SVG}g") if "#00ff00" in ET.tostring(one, "unicode")]
        (name,) = {str(one.get("clip-path"))[5:-1] for one in groups}
        (edge,) = [one.find(f"{SVG}rect") for one in tree.iter(f"{SVG}clipPath") if one.get("id") == name]
        assert edge is not None
        place, size = area.viewport().mapTo(outer, QPoint(0, 0)), area.viewport().size()
        cut = [int(edge.get(key, -1)) for key in ("x", "y", "width", "height")]
        assert cut == [place.x(), place.y(), size.width(), size.height()]

    def test_hidden_widgets_are_not_drawn(self, qtbot: QtBot) -> None:
        outer = QWidget()
        outer.resize(100, 40)
        for name in ("seen", "hidden"):
            label = QLabel(name, outer)
            label.setVisible(name == "seen")
        qtbot.addWidget(outer)
        assert texts(export_pictures.svg(outer, "t", BACK)) == ["seen"]

    def test_every_panel_comes_out(self, real: Shell, qtbot: QtBot) -> None:
        window = real.window
        qtbot.waitUntil(lambda: window.views["overhead"].cards[0].plot is not None, timeout=5000)
        parts = exports(real).parts()
        assert {"window", "processes", "vmas", "memory_map", "structures", "timeline", "overhead"} <= set(parts)
        assert "claims" not in parts, "it lies behind a tab"
        expected = {
            "memory_map": "Memory map",
            "structures": "page",
            "timeline": "Timeline",
            "overhead": "rmap metadata",
        }
        for part, word in expected.items():
            widget = parts[part][1]
            data = export_pictures.svg(widget, part, BACK)
            assert any(word in text for text in texts(data)), part
            image = drawn(data, widget.width(), widget.height())
            colours = {image.pixel(x, y) for x in range(0, image.width(), 5) for y in range(0, image.height(), 5)}
            assert len(colours) > 3, part

    def test_the_dialog_says_the_size(self, real: Shell, qtbot: QtBot, tmp_path: Path) -> None:
        real.window.commands.run("export_picture", {})
        dialog = exports(real).dialog
        assert dialog is not None and dialog.isVisible()
        dialog.scale.setCurrentIndex(2)
        width, height = real.window.width() * 3, real.window.height() * 3
        assert f"{width:,} × {height:,} pixels" in dialog.told.text()
        path = saved(
            real, qtbot, tmp_path / "w.png", lambda: QTest.mouseClick(dialog.png_button, Qt.MouseButton.LeftButton)
        )
        picture = QImage(str(path))
        assert (picture.width(), picture.height()) == (width, height)
        dialog.part.setCurrentIndex(dialog.part.findData("timeline"))
        path = saved(
            real, qtbot, tmp_path / "t.svg", lambda: QTest.mouseClick(dialog.svg_button, Qt.MouseButton.LeftButton)
        )
        assert "Timeline" in texts(path.read_bytes())


class TestTables:
    @pytest.mark.parametrize("name", ["vmas", "processes", "history"])
    def test_tables_hold_what_is_shown(self, shell: Shell, qtbot: QtBot, tmp_path: Path, name: str) -> None:
        path = saved(shell, qtbot, tmp_path / "x.csv", lambda: shell.window.commands.run(f"export_{name}", {}))
        rows = list(csv.reader(path.read_text().splitlines()))
        frame = shell.window.frame
        assert frame is not None
        count = {"vmas": int(frame.vmas.first[-1]), "processes": len(frame.tasks.pid), "history": 6}[name]
        assert len(rows) == 1 + count

    def test_curves_in_sight(self, real: Shell, qtbot: QtBot, tmp_path: Path) -> None:
        overhead = real.window.views["overhead"]
        qtbot.waitUntil(lambda: overhead.cards[0].plot is not None, timeout=5000)
        overhead.cards[0].plot.box.setXRange(2, 4, padding=0)
        path = saved(real, qtbot, tmp_path / "x.csv", lambda: real.window.commands.run("export_curves_in_sight", {}))
        rows = list(csv.reader(path.read_text().splitlines()))
        assert [row[0] for row in rows] == ["position", "2", "3", "4"]
        assert (tuple(rows[0]), [tuple(row) for row in rows[1:]]) == overhead.visible_table()


class TestEngine:
    def job(self, shell: Shell) -> Steps:
        made = shell.engine.named("job")[-1][1]
        assert isinstance(made, Steps)
        return made

    def finish(self, job: Steps) -> None:
        stage = letter("anonmm", "anon_vma_chain")
        job.start(stage)
        while job.step(stage):
            pass

    @pytest.mark.parametrize(
        ("action", "name", "word"),
        [
            ("report", "x.html", "<!DOCTYPE html>"),
            ("graph_all", "x.dot", "digraph"),
            ("graph_all", "x.graphml", "<graphml"),
        ],
    )
    def test_the_engine_gathers_and_writes(
        self, shell: Shell, qtbot: QtBot, tmp_path: Path, action: str, name: str, word: str
    ) -> None:
        shell.dialogs.path = str(tmp_path / name)
        shell.window.commands.run(f"export_{action}", {})
        job = self.job(shell)
        assert not job.quiet, "it has a bar and can be cancelled"
        path = saved(shell, qtbot, tmp_path / name, lambda: self.finish(job))
        assert word in path.read_text()

    def test_cancelled_it_leaves_nothing(self, shell: Shell, tmp_path: Path) -> None:
        path = tmp_path / "x.html"
        path.write_text("old")
        shell.dialogs.path = str(path)
        shell.window.commands.run("export_report", {})
        stage, job = letter("anonmm"), self.job(shell)
        job.start(stage)
        before = set(tmp_path.iterdir())
        while set(tmp_path.iterdir()) == before:
            assert job.step(stage)
        job.stop(stage)
        assert path.read_text() == "old" and set(tmp_path.iterdir()) == before

    def test_what_failed_can_be_tried_again(self, shell: Shell, qtbot: QtBot, tmp_path: Path) -> None:
        path = tmp_path / "later" / "x.html"
        shell.dialogs.path = str(path)
        shell.window.commands.run("export_report", {})
        self.finish(self.job(shell))
        bar = shell.window.messagebar
        assert "cannot be written" in bar.text.text() and bar.retry_button.isVisible()
        path.parent.mkdir()
        QTest.mouseClick(bar.retry_button, Qt.MouseButton.LeftButton)
        assert len(shell.engine.named("job")) == 2
        saved(shell, qtbot, path, lambda: self.finish(self.job(shell)))

    def test_the_graph_of_the_selection(self, shell: Shell, qtbot: QtBot, tmp_path: Path) -> None:
        path = saved(shell, qtbot, tmp_path / "s.dot", lambda: shell.window.commands.run("export_graph", {}))
        assert "page 0x2a" in path.read_text()
        frame = shell.window.frame
        assert frame is not None
        shell.window.frame = evolve(frame, detail=None)
        shell.window.commands.run("export_graph", {})
        assert "select a page" in shell.window.messagebar.text.text()


def test_a_name_that_promises_another_kind_is_refused(shell: Shell, tmp_path: Path) -> None:
    for name in ("vmas", "graph"):
        shell.dialogs.path = str(tmp_path / "x.svg")
        shell.window.commands.run(f"export_{name}", {})
        assert ".svg promises something else" in shell.window.messagebar.text.text()
    assert not (tmp_path / "x.svg").exists()


def test_the_submenu_stands_before_the_screenshot(shell: Shell) -> None:
    actions = shell.window.actions_
    entries = actions.menus["File"].actions()
    export = actions.menus["Export"].menuAction()
    assert entries.index(export) < entries.index(actions["screenshot"]) < entries.index(actions["quit"])

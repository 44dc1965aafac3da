"""The recorded kernel in history, inspector, structures and status line; from one difference to the next."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from attrs import evolve
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from pytestqt.qtbot import QtBot

from rmapexplorer.engine.frames import Field, Frame, HistoryEntry, KernelField, Link, Node, Notice, PathChanged
from rmapexplorer.gui.features.kernel import next_difference, nothing_found
from rmapexplorer.gui.history import History
from rmapexplorer.gui.inspector import Inspector
from rmapexplorer.gui.inspector_parts import fields_html
from rmapexplorer.gui.models.base import Role
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.statusbar import StatusBar, kernel_text
from rmapexplorer.gui.structure_paint import Brushes, paint_node
from rmapexplorer.gui.structure_walk import walked
from rmapexplorer.gui.structure_words import box_tip
from rmapexplorer.gui.theme import Themes, load_themes
from tests.gui import frame_factory as ff
from tests.gui.shell import Shell, plain_views, settings, shell

__all__ = ["plain_views", "settings", "shell"]

REFS = KernelField(section="anon_vma", name="refcount", kernel="3", ours="2")
START = KernelField(section="vma", name="vm_start", kernel="c40", ours="c40")


def _steps(*counts: int) -> np.ndarray:
    return np.array(counts, np.int64)


def _frame(**changes: Any) -> Frame:
    return ff.letter(**changes)


@pytest.mark.parametrize(
    ("counts", "position", "found"),
    [
        ((0, 2, 0, 1), 0, 2),
        ((0, 2, 0, 1), 2, 4),
        ((0, 2, 0, 1), 4, 2),
        ((0, 2), 2, 2),
        ((0, 0), 1, None),
        ((), 0, None),
    ],
)
def test_the_next_difference(counts: tuple[int, ...], position: int, found: int | None) -> None:
    frame = evolve(_frame(kernel_steps=_steps(*counts), kernel_length=len(counts)), position=position)
    assert next_difference(frame) == found
    assert next_difference(evolve(frame, kernel_steps=None)) is None


def test_why_there_is_no_next_difference() -> None:
    frame = _frame(kernel_steps=_steps(0, 0), kernel_length=2)
    assert nothing_found(frame) == "Equal to Linux 6.18 after each of the 2 steps that were recorded."
    assert "in the first 2 steps; 7 more are being compared" in nothing_found(evolve(frame, kernel_length=9))


def test_the_action_goes_there_and_is_off_without_a_record(shell: Shell) -> None:
    action = shell.window.actions_["next_difference"]
    assert action in shell.window.actions_.menus["Time"].actions()
    frame = shell.window.frame
    assert frame is not None
    shell.window._framed(evolve(frame, kernel_length=0))
    assert not action.isEnabled() and "kernel trace" in action.toolTip()
    shell.window._framed(evolve(frame, position=1, kernel_steps=_steps(0, 0, 2), kernel_length=3))
    assert action.isEnabled()
    action.trigger()
    assert shell.engine.named("seek")[-1] == ("seek", 3)
    shown: list[Notice] = []
    shell.window.show_notice = shown.append  # type: ignore[method-assign]
    shell.window._framed(evolve(frame, position=1, kernel_steps=_steps(0, 0, 0), kernel_length=3))
    action.trigger()
    assert [notice.text for notice in shown] == ["Equal to Linux 6.18 after each of the 3 steps that were recorded."]


def _history(qtbot: QtBot) -> History:
    view = History(Selection(), Themes())
    qtbot.addWidget(view)
    entries = tuple(HistoryEntry(position=p, name="mmap", text=f"mmap {p}", error=None) for p in (1, 2, 3, 4))
    view.apply(PathChanged(generation=1, keep=0, entries=entries))
    return view


def test_the_history_marks_every_step_as_far_as_it_is_compared(qtbot: QtBot) -> None:
    view = _history(qtbot)
    model, theme = view.model, Themes().current
    at = model.column("kernel")
    view.set_frame(evolve(_frame(), generation=1, position=4))
    assert "kernel" in view.plan.unwanted
    view.set_frame(evolve(_frame(kernel_steps=_steps(0, 2), kernel_length=3), generation=1, position=4))
    assert "kernel" not in view.plan.unwanted
    assert [model.data(model.index(row, at)) for row in range(5)] == ["", "✓", "≠", "·", ""]
    colours = [model.data(model.index(row, at), Role.ForegroundRole).name() for row in (1, 2, 3)]
    assert colours == [theme.color(name).name() for name in ("good", "bad", "faint")]
    tips = [model.data(model.index(row, at), Role.ToolTipRole) for row in range(5)]
    assert tips[1].endswith("equal to Linux 6.18 after it") and tips[2].endswith(
        "2 differences from Linux 6.18 after it"
    )
    assert tips[3].endswith("not compared yet") and "6.18" not in tips[0] + tips[4]
    model.set_filter("mmap 2")
    assert model.data(model.index(0, at)) == "≠"


def test_the_inspector_has_both_values_and_is_quiet_where_they_are_equal(qtbot: QtBot) -> None:
    view = Inspector(Selection(), Themes())
    qtbot.addWidget(view)
    frame = _frame()
    assert frame.detail is not None
    view.set_frame(frame)
    assert view.kernel_section.isHidden()
    view.set_frame(evolve(frame, detail=evolve(frame.detail, kernel=(START,))))
    assert not view.kernel_section.isHidden() and "equal to Linux 6.18 here" in view.kernel.text()
    assert "vm_" not in view.kernel.text(), "the values stand in the sections below"
    view.set_frame(evolve(frame, detail=evolve(frame.detail, kernel=(START, REFS))))
    text, bad = view.kernel.text(), Themes().current.color("bad").name()
    assert "equal to" not in text and text.count("≠") == 1 and ">3</span>" in text and ">2</span>" in text
    assert bad in text and text.index(bad) > text.index("refcount")
    view.set_frame(evolve(frame, detail=evolve(frame.detail, kernel=())))
    assert view.kernel_section.isHidden()


def test_a_field_that_differs_is_marked() -> None:
    theme = Themes().current
    plain = fields_html((Field(name="refcount", value="2"),), theme, 10)
    marked = fields_html((Field(name="refcount", value="2", kernel="3"),), theme, 10)
    assert "≠" not in plain and theme.color("bad").name() not in plain
    assert "≠" in marked and "kernel 6.18: 3" in marked


@pytest.mark.parametrize("name", load_themes())
def test_a_box_that_differs_and_one_only_the_kernel_has_are_seen(qtbot: QtBot, name: str) -> None:
    theme = load_themes()[name]

    def bad_pixels(node: Node) -> int:
        image = QImage(180, 60, QImage.Format.Format_RGB32)
        image.fill(theme.color("panel"))
        painter = QPainter(image)
        paint_node(painter, Brushes.of(theme, painter.font()), node, QRectF(10, 12, 150, 36), hot=False, legible=True)
        painter.end()
        wanted = theme.color("bad").rgb()
        return sum(image.pixel(x, y) == wanted for x in range(180) for y in range(60))

    plain = Node(key="A0", rank=1, title="A0", subtitle="2 children", family=0)
    assert bad_pixels(plain) == 0
    assert bad_pixels(evolve(plain, kernel="refcount: kernel 3, ours 2")) > 30
    assert bad_pixels(evolve(plain, state="kernel", kernel="only the kernel has it", family=-1)) > 60


def test_the_tool_tip_of_a_box_says_what_the_kernel_has() -> None:
    node = Node(key="A0", rank=1, title="A0", kernel="refcount: kernel 3, ours 2; root: kernel A1, ours A0")
    assert box_tip(node).splitlines() == [
        "A0", "Linux 6.18 recorded: refcount: kernel 3, ours 2", "root: kernel A1, ours A0",
    ]  # fmt: skip
    assert box_tip(evolve(node, kernel="")) == "A0"


def test_a_walk_leaves_what_only_the_kernel_has_alone() -> None:
    detail = ff.letter_detail()
    ghost = Node(key="k1", rank=2, title="d00-d04", state="kernel", target=(1, 0xD00))
    link = Link(source=detail.structure.nodes[1].key, target="k1", state="kernel")
    more = evolve(detail.structure, nodes=(*detail.structure.nodes, ghost), links=(*detail.structure.links, link))
    after = walked(more, detail.walk, 1)
    assert after.nodes[-1].state == "kernel" and after.links[-1].state == "kernel"


def test_the_status_line_says_that_it_compares(qtbot: QtBot) -> None:
    frame = _frame(kernel_waits=True, kernel_steps=_steps(0, 0, 0), kernel_length=1200)
    assert kernel_text(frame) == "Kernel 6.18: comparing, step 3 of 1,200"
    bar = StatusBar()
    qtbot.addWidget(bar)
    bar.set_frame(frame)
    assert not bar.kernel.isHidden() and bar.kernel.property("role") == "dim"
    assert bar.kernel.focusPolicy() == Qt.FocusPolicy.NoFocus

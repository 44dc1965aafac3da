"""The structures picture: layout without Qt, then clicks, keys and painting."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QContextMenuEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from rmapexplorer.engine.frames import Link, Node, Structure
from rmapexplorer.gui.panel import ElidedLabel
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.structure_layout import MORE, MOST_NODES, Layout, Sizes, arrange, spread, trim
from rmapexplorer.gui.structure_picture import READABLE
from rmapexplorer.gui.structures import EMPTY, Structures
from rmapexplorer.gui.theme import Themes
from tests.gui import frame_factory as ff

LETTER = ff.letter_structure()


def crossings(layout: Layout) -> int:
    place = {key: i for rank in layout.order for i, key in enumerate(rank)}
    side = {key: r for r, rank in enumerate(layout.order) for key in rank}
    lines = [(side[link.source], place[link.source], place[link.target]) for link in layout.links]
    return sum(r == q and (a - c) * (b - d) < 0 for (r, a, b), (q, c, d) in itertools.combinations(lines, 2))


def overlapping(layout: Layout) -> list[tuple[str, str]]:
    found = []
    for rank in layout.order:
        for a, b in itertools.pairwise(rank):
            upper, lower = layout.boxes[a], layout.boxes[b]
            if upper.y + upper.height > lower.y - 1:
                found.append((a, b))
    return found


def drawn(count: int, seed: list[int]) -> Structure:
    """A random structure: ``count`` nodes a rank, links picked by the numbers of ``seed``."""
    nodes = [Node(key=f"{r}.{i}", rank=r, title="x") for r in range(4) for i in range(count)]
    links = [Link(source=f"{s % 3}.{s // 3 % count}", target=f"{s % 3 + 1}.{s // 17 % count}") for s in seed]
    return Structure(nodes=tuple(nodes), links=tuple(links))


def test_ranks_stand_left_to_right_and_links_go_right() -> None:
    layout = arrange(LETTER)
    for link in layout.links:
        a, b = layout.boxes[link.source], layout.boxes[link.target]
        assert a.x + a.width < b.x


@given(st.integers(1, 8), st.lists(st.integers(0, 10**6), max_size=30))
def test_no_two_boxes_overlap_and_all_lie_in_the_picture(count: int, seed: list[int]) -> None:
    layout = arrange(drawn(count, seed))
    assert len(layout.boxes) == 4 * count and overlapping(layout) == []
    for box in layout.boxes.values():
        assert box.x >= 0 and box.x + box.width <= layout.width + 1e-6
        assert Sizes().top - 1e-6 <= box.y and box.y + box.height <= layout.height + 1e-6


@given(st.integers(1, 8), st.lists(st.integers(0, 10**6), max_size=30))
def test_the_same_structure_is_laid_out_the_same(count: int, seed: list[int]) -> None:
    assert arrange(drawn(count, seed)) == arrange(drawn(count, seed))
    again = arrange(drawn(count, seed), before=arrange(drawn(count, seed)))
    assert again.boxes == arrange(drawn(count, seed)).boxes


def test_sweeps_untangle() -> None:
    nodes = [Node(key=f"a{i}", rank=1, title="a") for i in range(6)]
    nodes += [Node(key=f"v{i}", rank=2, title="v") for i in range(6)]
    links = [Link(source=f"a{i}", target=f"v{5 - i}") for i in range(6)]
    assert crossings(arrange(Structure(nodes=tuple(nodes), links=tuple(links)))) == 0


def test_nodes_keep_their_order_and_new_ones_come_near_their_parent() -> None:
    before = arrange(LETTER)
    new = Node(key="v9", rank=2, title="new", subtitle="worker 2")
    links = (Link(source="a3", target="v9"), Link(source="v9", target="t2"))
    after = arrange(evolve(LETTER, nodes=(new, *LETTER.nodes), links=(*links, *LETTER.links)), before=before)
    vmas = after.order[2]
    assert [key for key in vmas if key != "v9"] == list(before.order[2])
    assert vmas.index("v9") == max(vmas.index(k) for k in ("v2", "v3", "v4")) + 1
    shuffled = evolve(LETTER, nodes=tuple(reversed(LETTER.nodes)), links=tuple(reversed(LETTER.links)))
    assert arrange(shuffled, before=before).order == before.order


def test_another_structure_is_laid_out_afresh() -> None:
    assert arrange(LETTER, before=arrange(drawn(5, [1, 2, 3]))) == arrange(LETTER)


def test_a_node_goes_to_the_middle_of_its_neighbours() -> None:
    layout = arrange(LETTER)
    worker = layout.boxes["t2"].middle
    assert worker == pytest.approx(sum(layout.boxes[k].middle for k in ("v2", "v3", "v4")) / 3)
    assert layout.boxes["p"].middle == pytest.approx(layout.boxes["a0"].middle)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20), st.floats(0, 50))
def test_spreading_keeps_gaps_and_moves_nothing_without_need(wish: list[float], gap: float) -> None:
    places = spread(wish, [gap] * (len(wish) - 1))
    assert all(b - a >= gap - 1e-6 for a, b in itertools.pairwise(places))
    if all(b - a >= gap for a, b in itertools.pairwise(wish)):
        assert places == pytest.approx(wish)
    assert sum(places) == pytest.approx(sum(wish), abs=1e-6)


def test_too_many_nodes_are_trimmed_but_not_the_focus_the_hits_or_what_leads_to_them() -> None:
    nodes, links = trim(ff.fan(300, 12))
    kept = {node.key for node in nodes}
    assert MOST_NODES - 3 <= len(nodes) <= MOST_NODES
    assert "p" in kept and "a0" in kept
    assert sum(node.state == "miss" for node in nodes) <= 40
    assert sum(node.state == "hit" for node in nodes) == 100
    assert {link.source for link in links} | {link.target for link in links} <= kept


def test_links_to_nowhere_and_repeated_nodes_are_left_out() -> None:
    odd = evolve(LETTER, nodes=(*LETTER.nodes, LETTER.nodes[0]), links=(*LETTER.links, Link(source="p", target="?")))
    assert arrange(odd) == arrange(LETTER)


def test_what_is_hit_stands_at_the_top_where_not_everything_shows(qtbot: Any) -> None:
    nodes = [Node(key="p", rank=0, title="page", state="focus"), Node(key="a", rank=1, title="A0")]
    nodes += [Node(key=f"v{i}", rank=2, title="v", subtitle="s", state="hit" if i > 27 else "miss") for i in range(30)]
    nodes += [Node(key=f"t{i}", rank=3, title="t", subtitle="s", state="hit" if i > 27 else "") for i in range(30)]
    links = [Link(source="p", target="a"), *(Link(source="a", target=f"v{i}") for i in range(30))]
    links += [Link(source=f"v{i}", target=f"t{i}") for i in range(30)]
    bench = Bench(qtbot, Structure(nodes=tuple(nodes), links=tuple(links)))
    layout, area = bench.picture.layout_now, bench.picture.rect()
    assert set(layout.order[2][:2]) == {"v28", "v29"} and set(layout.order[3][:2]) == {"t28", "t29"}
    assert all(area.contains(bench.at(key)) for key in ("p", "a", "v28", "v29", "t28", "t29"))
    columns = bench.picture.table()[1]
    assert [state[:3] for state in columns[3][2:5]] == ["hit", "hit", "mis"], "the table too"


class Bench:
    """The panel with its selection and theme."""

    def __init__(self, qtbot: Any, structure: Structure | None = None, size: tuple[int, int] = (900, 320)) -> None:
        self.selection, self.themes = Selection(), Themes("dark")
        self.view = Structures(self.selection, self.themes)
        qtbot.addWidget(self.view)
        self.view.setPalette(self.themes.current.palette())
        self.view.resize(*size)
        self.view.show()
        self.show(structure if structure is not None else LETTER)
        self.picture = self.view.picture

    def show(self, structure: Structure) -> None:
        frame = ff.letter()
        assert frame.detail is not None
        self.view.set_frame(evolve(frame, detail=evolve(frame.detail, structure=structure)))

    def at(self, key: str) -> QPoint:
        return self.picture.point_of(key).toPoint()

    def key(self, *keys: Qt.Key) -> None:
        for key in keys:
            QTest.keyClick(self.picture, key)

    def wheel(self, at: QPoint, turn: int) -> None:
        none = Qt.KeyboardModifier.NoModifier
        args = (QPoint(0, 0), QPoint(0, turn), Qt.MouseButton.NoButton, none, Qt.ScrollPhase.NoScrollPhase, False)
        self.picture.wheelEvent(QWheelEvent(QPointF(at), QPointF(at), *args))

    @property
    def selected(self) -> tuple[int, int]:
        return self.selection.pid, self.selection.vpn


@pytest.fixture
def bench(qtbot: Any) -> Bench:
    return Bench(qtbot)


@pytest.mark.parametrize(("key", "target"), [("v3", (2, 0xC42)), ("t3", (3, -1)), ("p", (2, 0xC42)), ("a0", (0, -1))])
def test_a_click_selects_what_a_box_stands_for(bench: Bench, key: str, target: tuple[int, int]) -> None:
    QTest.mouseClick(bench.picture, Qt.MouseButton.LeftButton, pos=bench.at(key))
    assert bench.selected == target


def test_the_header_always_says_how_much_is_shown(bench: Bench) -> None:
    assert bench.view.hint() == "12 of 12 objects"
    bench.show(ff.fan(300, 12))
    shown = sum(node.state != MORE for node in bench.picture.layout_now.nodes)
    assert 140 < shown <= MOST_NODES
    outside = len(bench.picture.outside())
    assert outside > 100
    assert bench.view.hint() == f"{outside} of {shown} outside the panel · {shown} of 2,001,998 objects"
    bench.view.set_frame(ff.letter(selected=False))
    assert bench.view.hint() == "0 of 0 objects"


@pytest.mark.parametrize("height", [205, 230, 320])
def test_a_dozen_objects_fit_into_a_low_panel_and_stay_readable(qtbot: Any, height: int) -> None:
    bench = Bench(qtbot, size=(540, height))
    assert len(bench.picture.layout_now.nodes) == 12
    assert bench.picture.outside() == [] and bench.picture.scale >= READABLE
    assert bench.view.hint() == "12 of 12 objects"


def test_the_header_says_how_many_objects_are_outside_the_panel(bench: Bench) -> None:
    bench.picture.zoom(1.6, bench.picture.point_of("p"))
    outside = len(bench.picture.outside())
    assert 0 < outside < 12 and bench.view.hint() == f"{outside} of 12 outside the panel · 12 of 12 objects"
    bench.picture.fit()
    assert bench.view.hint() == "12 of 12 objects"


def test_what_was_fitted_stays_fitted_when_there_is_more_and_a_picture_is_never_out_of_sight(bench: Bench) -> None:
    wider = evolve(LETTER, nodes=(*LETTER.nodes, *(Node(key=f"x{i}", rank=3, title="x") for i in range(9))))
    bench.picture.fit_all()
    bench.show(wider)
    assert bench.picture.outside() == []
    bench.wheel(QPoint(0, 0), 120)
    bench.picture.offset = QPointF(5000, 5000)
    bench.show(LETTER)
    assert bench.picture.outside() == []


def shown_words(view: Structures) -> list[str]:
    return [label.text() for label in view.findChildren(QLabel) if label.isVisible()]


def test_with_nothing_selected_it_says_what_to_do(bench: Bench) -> None:
    bench.view.set_frame(ff.letter(selected=False))
    assert EMPTY in shown_words(bench.view) and not bench.picture.isVisible()
    bench.show(Structure(note="Nothing is mapped at the selected page."))
    assert "Nothing is mapped at the selected page." in shown_words(bench.view)


def test_wheel_keeps_the_point_under_the_cursor_and_drag_pans(bench: Bench) -> None:
    at = bench.at("v3")
    bench.wheel(at, 240)
    node = bench.picture.node_at(QPointF(at))
    assert node is not None and node.key == "v3" and bench.picture.scale > 1.2
    before = bench.at("p")
    QTest.mousePress(bench.picture, Qt.MouseButton.LeftButton, pos=QPoint(5, 200))
    QTest.mouseMove(bench.picture, QPoint(30, 215))
    QTest.mouseMove(bench.picture, QPoint(45, 230))
    QTest.mouseRelease(bench.picture, Qt.MouseButton.LeftButton, pos=QPoint(45, 230))
    assert bench.at("p") != before and bench.selected == (0, -1)
    QTest.mouseClick(bench.view.whole, Qt.MouseButton.LeftButton)
    area = QPointF(bench.picture.width(), bench.picture.height())
    for box in bench.picture.layout_now.boxes:
        at = bench.at(box)
        assert 0 < at.x() < area.x() and 0 < at.y() < area.y()


def test_the_keyboard_walks_along_links_and_selects(bench: Bench) -> None:
    bench.picture.cursor_key = "p"
    bench.key(Qt.Key.Key_Right, Qt.Key.Key_Right)
    assert bench.picture.cursor_key in ("v2", "v3")
    bench.picture.cursor_key = "a2"
    bench.key(Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Return)
    assert bench.picture.cursor_key == "t3" and bench.selected == (3, -1)
    bench.key(Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Left, Qt.Key.Key_Return)
    assert bench.picture.cursor_key == "v1" and bench.selected == (1, 0xA10)


def test_menus_are_asked_for_boxes_with_a_target(bench: Bench) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []
    bench.view.context_requested.connect(lambda kind, values, at: asked.append((kind, values)))
    for key in ("p", "v4", "t1", "a0"):
        at = bench.at(key)
        bench.picture.contextMenuEvent(QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, at))
    assert asked == [
        ("page", {"pid": 2, "vpn": 0xC42}),
        ("vma", {"pid": 2, "vpn": 0xA1C}),
        ("process", {"pid": 1}),
    ]


def test_hovering_brings_out_the_links_of_a_box(bench: Bench) -> None:
    bench.picture.clearFocus()
    plain = bench.picture.grab().toImage()
    QTest.mouseMove(bench.picture, bench.at("a2"))
    assert bench.picture.hovered == "a2" and bench.picture.grab().toImage() != plain
    bench.picture.event(QEvent(QEvent.Type.Leave))
    assert bench.picture.grab().toImage() == plain


def test_states_have_a_mark_beside_their_colour(bench: Bench) -> None:
    """In a picture without hue, hit and miss still differ: solid frame and tick, broken frame and cross."""
    image = bench.picture.grab().toImage()

    def frame_of(key: str) -> list[bool]:
        box, now = bench.picture.layout_now.boxes[key], bench.picture
        y = round(box.y * now.scale + now.offset.y())
        left = round((box.x + 12) * now.scale + now.offset.x())
        panel = bench.themes.current.color("panel").lightness()
        return [
            any(abs(QColor(image.pixel(x, y + d)).lightness() - panel) > 30 for d in (-1, 0, 1))
            for x in range(left, left + 60)
        ]

    assert all(frame_of("v3"))
    assert 0.2 < sum(frame_of("v2")) / 60 < 0.95


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", [(240, 120), (900, 320), (1600, 700)])
def test_every_state_paints_at_any_size_and_zoom(qtbot: Any, theme: str, size: tuple[int, int]) -> None:
    states = ("", "focus", "hit", "miss", "selected", "dead")
    nodes = [
        Node(key=f"{r}{s}", rank=r, title="t" * 40, subtitle="s" * 60 if r != 3 else "", state=s, family=r - 1)
        for r in range(4)
        for s in states
    ]
    links = [Link(source=f"{r}{s}", target=f"{r + 1}{s}", state=s[:4], family=r - 1) for r in range(3) for s in states]
    bench = Bench(qtbot, Structure(nodes=tuple(nodes), links=tuple(links)), size)
    bench.themes.use(theme)
    for factor in (1.0, 0.01, 5.0, 100.0):
        bench.picture.zoom(factor, QPointF(100, 60))
        assert not bench.picture.grab().toImage().isNull()
    bench.show(Structure(nodes=(Node(key="x", rank=7, title=""),)))
    bench.picture.setFocus()
    bench.key(*(Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Minus, Qt.Key.Key_0))
    bench.picture.grab()


def test_a_full_picture_is_laid_out_and_painted_in_time(qtbot: Any) -> None:
    bench = Bench(qtbot, ff.fan(120, 12), (1200, 500))
    began = time.perf_counter()
    bench.show(ff.fan(121, 12))
    bench.picture.grab()
    assert time.perf_counter() - began < 0.1


def test_a_label_elides_with_its_text_as_tooltip_and_comes_back(qtbot: Any) -> None:
    label = ElidedLabel("a rather long sentence that will not fit")
    qtbot.addWidget(label)
    label.resize(80, 20)
    label.show()
    assert label.text().endswith("…") and label.toolTip() == label.full_text()
    label.resize(600, 20)
    assert label.text() == label.full_text() and label.toolTip() == ""

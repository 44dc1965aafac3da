"""The Compare panel on real worlds: columns, one selection, one step, the table and its way to the first difference."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from attrs import evolve
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from rmapexplorer.engine.comparison import Compare, Comparison
from rmapexplorer.engine.frames import Frame
from rmapexplorer.gui.compare import CompareView
from rmapexplorer.gui.compare_strips import Strips
from rmapexplorer.gui.models.base import Role
from rmapexplorer.gui.models.compare import Figure, shown, tone_of
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.theme import Themes
from tests.engine.test_comparison import USUAL, ask
from tests.engine.worlds import letter
from tests.gui import frame_factory


@pytest.fixture(scope="module")
def moved() -> Comparison:
    """After the letter's mremap."""
    answer = ask(letter(), Compare(designs=USUAL, pid=2, vpn=64))
    assert answer is not None
    return answer


@pytest.fixture
def view(qtbot: QtBot, moved: Comparison) -> Iterator[CompareView]:
    made = CompareView(Selection(), Themes("dark"))
    qtbot.addWidget(made)
    made.resize(1000, 600)
    made.show()
    made.show_comparison(moved)
    made.panel.set_empty(None)
    yield made


def test_a_frame_makes_it_ask(qtbot: QtBot) -> None:
    view = CompareView(Selection(), Themes("dark"))
    qtbot.addWidget(view)
    asked: list[object] = []
    view.asked.connect(lambda question, reply: asked.append(question))
    frame: Frame = frame_factory.letter()
    view.set_frame(frame)
    assert len(asked) == 1
    question = asked[0]
    assert isinstance(question, Compare)
    assert question.designs == tuple(state.key for state in frame.designs)[-4:]


def test_a_column_a_design(view: CompareView) -> None:
    assert [column.title.full_text() for column in view.columns] == list(USUAL)
    assert "page 40 of 2" in view.panel.hint() and "2 of 2 processes" in view.panel.hint()


def test_click_selects_in_all(view: CompareView, qtbot: QtBot) -> None:
    strips = view.columns[3].strips
    spots = [(x, y) for y in range(0, strips.height(), 6) for x in range(0, strips.width(), 3)]
    target = next(spot for spot in spots if strips.place_at(*spot) == (1, 17))
    from PySide6.QtCore import QPoint

    qtbot.mouseClick(strips, Qt.MouseButton.LeftButton, pos=QPoint(*target))
    assert (view._selection.pid, view._selection.vpn) == (1, 17)


def test_step_reveals_in_every_column(view: CompareView, qtbot: QtBot) -> None:
    assert view.revealed == view.longest > 1
    qtbot.mouseClick(view.run, Qt.MouseButton.LeftButton)
    assert view.revealed == 0 and all(column.walk.steps.revealed == 0 for column in view.columns)
    qtbot.mouseClick(view.step, Qt.MouseButton.LeftButton)
    assert [column.walk.steps.revealed for column in view.columns] == [min(1, c.steps) for c in view.columns]
    qtbot.mouseClick(view.run, Qt.MouseButton.LeftButton)
    assert [column.walk.steps.revealed for column in view.columns] == [column.steps for column in view.columns]


def test_the_first_difference_leads_there(view: CompareView, qtbot: QtBot) -> None:
    with qtbot.waitSignal(view.seek_requested) as told:
        view.partings.linkActivated.emit("6")
    assert told.args == [6]
    assert 'href="6"' in view.partings.text() and "copied by mremap" in view.partings.text()


def test_the_table_is_a_model_and_says_signs(view: CompareView, qtmodeltester: object) -> None:
    QAbstractItemModelTester(view.model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    names = [row.name for row in view.model.rows]
    row = names.index("copied by mremap")
    column = view.model.column("design1")
    assert view.model.index(row, column).data(Role.DisplayRole) == "1  +1"
    assert view.model.text().splitlines()[0].split("\t")[:3] == ["figure", "pte_chain", "anonmm"]


def test_signs_and_colours() -> None:
    figure = Figure(name="rmap metadata", unit="bytes", help="", values=(100.0, 80.0, 120.0, float("nan")))
    assert [shown(figure.values, n) for n in range(4)] == ["100", "80  -20", "120  +20", "–"]
    assert [tone_of(figure, n) for n in range(4)] == ["text", "accent", "warn", "text"]
    lost = Figure(name="ptes lost", unit="ptes", help="", values=(0.0, 3.0))
    assert [tone_of(lost, n) for n in range(2)] == ["text", "bad"]


def test_designs_are_chosen_in_the_menu(view: CompareView, qtbot: QtBot) -> None:
    view._running = USUAL
    view._fill_menu()
    asked: list[Compare] = []
    view.asked.connect(lambda question, reply: asked.append(question))
    first = view.which.menu().actions()[0]
    first.trigger()
    assert asked[-1].designs == USUAL[1:]
    view.which.menu().actions()[1].trigger()
    view.which.menu().actions()[2].trigger()
    assert len(view.designs) == 2, "two are the least"


def test_every_theme_paints(view: CompareView) -> None:
    for name in ("light", "contrast", "contrast_light", "dark"):
        view.set_theme(Themes(name).current)
        assert not view.grab().isNull()


def test_one_design_says_what_to_do(qtbot: QtBot) -> None:
    from attrs import evolve

    view = CompareView(Selection(), Themes("dark"))
    qtbot.addWidget(view)
    frame = frame_factory.letter()
    view.set_frame(evolve(frame, designs=frame.designs[:1]))
    assert "two designs" in view.panel._empty.text() and view.panel._pages.currentWidget() is view.panel._empty


def test_before_the_first_process_the_columns_are_empty(view: CompareView, moved: Comparison, qtbot: QtBot) -> None:
    sides = tuple(evolve(side, strips=()) for side in moved.sides)
    view.show_comparison(evolve(moved, sides=sides))
    strips = view.findChildren(Strips)
    assert len(strips) == len(sides)
    for strip in strips:
        strip.grab()  # painting nothing is no trouble
        assert strip.place_at(5, 5) is None

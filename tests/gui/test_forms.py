"""Forms: local syntax, the field at fault after a refusal, and closing after success."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from rmapexplorer.core.operations import (
    KINDS,
    Clone,
    Fork,
    Ftruncate,
    Mlock,
    Mmap,
    Mremap,
    Mseal,
    Munlock,
    Punch,
    RemapFilePages,
    Swapoff,
    Touch,
)
from rmapexplorer.core.units import Span
from rmapexplorer.engine.frames import HistoryEntry, Notice
from rmapexplorer.gui import targets
from rmapexplorer.gui.form_fields import FieldError, parse_count, parse_page
from rmapexplorer.gui.forms import OperationForm
from rmapexplorer.gui.operations import FORMS, Invalid
from rmapexplorer.gui.style import app_font
from rmapexplorer.gui.theme import Themes
from tests.gui import frame_factory as ff
from tests.gui.shell import Shell, settings, shell

__all__ = ["settings", "shell"]

EINVAL = Notice(level="refused", text="The new place overlaps the old one.", errno="EINVAL", field="to")


def opened(shell: Shell, id_: str) -> OperationForm:
    shell.window.actions_[id_].trigger()
    form = shell.window.commands.form
    assert form is not None
    return form


@pytest.mark.parametrize("text", ["", "xyz", "0x", "-4", "8000000001", "1.5"])
def test_a_page_number_that_is_none_is_told_in_one_sentence(text: str) -> None:
    with pytest.raises(FieldError, match=r"^The place .*\.$"):
        parse_page(text)


def test_page_numbers_are_hexadecimal() -> None:
    assert parse_page(" pA10 ") == parse_page("page 0xa10") == parse_page("0xa10000") == parse_page("a10") == 0xA10


@pytest.mark.parametrize("text", ["", "0", "ten", "-1", "101"])
def test_a_count_out_of_range_is_told(text: str) -> None:
    with pytest.raises(FieldError):
        parse_count(text, "This", 1, 100)


def test_a_value_that_cannot_be_read_is_marked_and_nothing_is_submitted(shell: Shell) -> None:
    form = opened(shell, "munmap")
    form.lines["span"].editor.start.setText("zzz")  # type: ignore[attr-defined]
    form.submit()
    assert form.lines["span"].marked
    assert "hexadecimal" in form.lines["span"].error.text()
    assert shell.submitted() == []


def test_a_refusal_marks_the_field_and_keeps_the_form(shell: Shell, qtbot: QtBot) -> None:
    form = opened(shell, "mremap_fixed")
    shell.engine.refusal = EINVAL
    form.submit()
    shell.settle(qtbot)
    assert shell.window.commands.form is form
    assert form.lines["to"].error.text() == "EINVAL: The new place overlaps the old one."
    assert not form.lines["span"].marked
    assert shell.window.messagebar.isHidden()


def test_a_refusal_may_come_after_the_history_entry(shell: Shell) -> None:
    form = opened(shell, "mremap_fixed")
    form.waiting = True
    form.told((HistoryEntry(position=6, name="mremap", text="", error="EINVAL", rule="a rule."),))
    assert form.problem == "EINVAL: a rule."
    shell.window.show_notice(EINVAL)
    assert form.problem == ""
    assert form.lines["to"].marked
    assert shell.window.messagebar.isHidden()


def test_a_second_try_that_succeeds_closes_the_form(shell: Shell, qtbot: QtBot) -> None:
    form = opened(shell, "mremap_fixed")
    shell.engine.refusal = EINVAL
    form.submit()
    shell.settle(qtbot)
    shell.engine.refusal = None
    form.submit()
    assert not form.lines["to"].marked
    shell.settle(qtbot)
    assert shell.window.commands.form is None


def test_what_only_another_design_refused_goes_to_the_message_bar(shell: Shell, qtbot: QtBot) -> None:
    form = opened(shell, "mprotect")
    form.submit()
    shell.engine.queue.insert(0, EINVAL)
    shell.settle(qtbot)
    assert shell.window.commands.form is None
    assert "overlaps" in shell.window.messagebar.text.text()


def test_a_field_the_form_does_not_have_is_told_below(shell: Shell) -> None:
    form = opened(shell, "munmap")
    form.mark("nothing", "ENOMEM: no room.")
    assert form.problem == "ENOMEM: no room."
    form.mark("runs", "EFAULT: a hole.")
    assert form.problem == ""
    assert form.lines["span"].marked


def test_enter_submits_and_escape_closes(shell: Shell, qtbot: QtBot) -> None:
    form = opened(shell, "mprotect")
    qtbot.keyClick(form.lines["span"].editor.start, Qt.Key.Key_Return)  # type: ignore[attr-defined]
    assert len(shell.submitted()) == 1
    shell.settle(qtbot)
    form = opened(shell, "mprotect")
    qtbot.keyClick(form.lines["span"].editor.start, Qt.Key.Key_Escape)  # type: ignore[attr-defined]
    assert shell.window.commands.form is None
    assert len(shell.submitted()) == 1


def test_one_form_at_a_time_and_its_button_is_lit(shell: Shell) -> None:
    opened(shell, "mprotect")
    second = opened(shell, "mremap")
    assert shell.window.commands.form is second
    assert shell.window.toolbar.buttons["mremap"].property("open") is True
    assert shell.window.toolbar.buttons["mprotect"].property("open") is False


def form(qtbot: QtBot, key: str, **values: object) -> OperationForm:
    from PySide6.QtWidgets import QWidget

    parent = QWidget()
    qtbot.addWidget(parent)
    made = OperationForm(key, Themes("dark").current, parent)
    made.parent_kept = parent  # type: ignore[attr-defined]
    made.fill(values, [(1, "server"), (2, "worker")])
    return made


@pytest.mark.parametrize("key", FORMS)
def test_every_form_makes_an_operation_from_a_full_set_of_values(key: str, qtbot: QtBot) -> None:
    made = form(qtbot, key, pid=2, span=Span(0xA10, 0xA20), end=0x700, to=0xC40, comm="x", file="f").operations()
    assert [op.name for op in made] == [key]


@pytest.mark.parametrize("kind", KINDS)
def test_the_four_kinds_of_mapping(kind: str, qtbot: QtBot) -> None:
    made = form(qtbot, "mmap", pid=1, kind=kind, span=Span(16, 32), file="libc.so", offset=3, prot="rx").operations()
    of_file = kind.startswith("file")
    assert made == [
        Mmap(
            pid=1, span=Span(16, 32), prot="rx", kind=kind, file="libc.so" if of_file else "", offset=3 * of_file
        )
    ]  # fmt: skip


def test_a_file_mapping_without_a_file_is_told_at_its_field(qtbot: QtBot) -> None:
    with pytest.raises(Invalid) as caught:
        form(qtbot, "mmap", pid=1, kind="file-shared").operations()
    assert caught.value.field == "file"


def test_fields_that_do_not_matter_are_hidden(qtbot: QtBot) -> None:
    made = form(qtbot, "mremap", pid=1, span=Span(16, 32), mode="in place")
    assert made.lines["to"].isHidden()
    made.lines["mode"].editor.set_value("fixed")
    assert not made.lines["to"].isHidden()
    with pytest.raises(Invalid, match="MREMAP_FIXED"):
        made.operations()


def test_mremap_dontunmap_keeps_the_length(qtbot: QtBot) -> None:
    made = form(qtbot, "mremap", pid=1, span=Span(16, 32), mode="dontunmap", new_pages=99)
    assert made.operations() == [Mremap(pid=1, span=Span(16, 32), new_pages=16, to=-1, dontunmap=True)]


def test_a_thousand_forks_are_one_batch(qtbot: QtBot) -> None:
    made = form(qtbot, "fork", pid=2, times=1000)
    assert made.operations() == [Fork(pid=2, child=0)] * 1000
    assert made.preview.full_text() == "fork(2 → ?) × 1000"


def test_no_protection_is_prot_none(qtbot: QtBot) -> None:
    made = form(qtbot, "mprotect", pid=1, span=Span(1, 2), prot="")
    assert made.operations()[0].prot == ""  # type: ignore[union-attr]


def test_touch_reads_or_writes(qtbot: QtBot) -> None:
    made = form(qtbot, "touch", pid=1, span=Span(1, 3), access="read")
    assert made.operations() == [Touch(pid=1, runs=((1, 3, "r"),))]


def test_the_preview_shows_what_the_kernel_will_choose(qtbot: QtBot) -> None:
    assert form(qtbot, "mmap", pid=1).preview.full_text() == "mmap(1, ? + 16, rw, anon)"
    assert (
        form(qtbot, "mremap", pid=1, span=Span(16, 32), new_pages=16).preview.full_text() == "mremap(1, 10-20 → ? + 16)"
    )


@pytest.mark.parametrize(
    ("key", "values", "op"),
    [
        ("swapoff", {}, Swapoff()),
        ("clone", {"pid": 2, "what": "vfork child"}, Clone(pid=2, child=0, thread=False)),
        ("mlock", {"pid": 2, "span": Span(16, 20), "when": "when touched"}, Mlock(pid=2, span=Span(16, 20), onfault=True)),
        ("munlock", {"pid": 2, "span": Span(16, 20)}, Munlock(pid=2, span=Span(16, 20))),
        ("mseal", {"pid": 2, "span": Span(16, 20)}, Mseal(pid=2, span=Span(16, 20))),
        ("remap_file_pages", {"pid": 2, "span": Span(16, 20), "offset": 8},
         RemapFilePages(pid=2, span=Span(16, 20), offset=8)),
        ("ftruncate", {"pid": 2, "file": "data", "pages": 0}, Ftruncate(pid=2, file="data", pages=0)),
        ("punch", {"pid": 2, "file": "data", "offset": 3, "pages": 2}, Punch(pid=2, file="data", offset=3, pages=2)),
    ],
)  # fmt: skip
def test_later_operations_have_forms_too(qtbot: QtBot, key: str, values: dict[str, object], op: object) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    form = OperationForm(key, Themes().current, parent)
    form.fill(values, [(1, "server"), (2, "worker")])
    assert form.operations() == [op]


def test_a_span_of_a_file_says_which_file_and_where() -> None:
    values = targets.prefill("punch", ff.letter(), 2, 0x602, {})
    assert (values["file"].rpartition("/")[2], values["offset"], values["pages"]) == ("server", 0x200, 4)
    assert targets.prefill("punch", ff.letter(), 2, 0xC42, {}).get("file") is None


@pytest.mark.parametrize("key", ["mremap", "fork", "remap_file_pages"])
def test_the_editors_of_a_form_stand_below_each_other(key: str, qtbot: QtBot) -> None:
    made = form(qtbot, key)
    made.parentWidget().show()
    made.show()
    shown = [line.editor for line in made.lines.values() if line.isVisible()]
    assert len(shown) > 2
    assert len({editor.mapTo(made, editor.rect().topLeft()).x() for editor in shown}) == 1


def test_a_form_grows_with_the_text(qtbot: QtBot) -> None:
    narrow = form(qtbot, "mremap").width()

    def wide() -> int:
        parent = QWidget()
        parent.resize(1200, 800)
        qtbot.addWidget(parent)
        return OperationForm("mremap", Themes("dark").current, parent).width()

    app = QApplication.instance()
    assert isinstance(app, QApplication)
    before = app.font()
    try:
        app.setFont(app_font(200))
        assert wide() > narrow
    finally:
        app.setFont(before)

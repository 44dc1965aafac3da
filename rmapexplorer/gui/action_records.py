"""What a record of the registry of actions is, and the rules that say when an action may be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import field, frozen


@frozen(kw_only=True)
class State:
    """What the rules look at."""

    position: int = 0
    head: int = 0
    pid: int = 0
    """The selected process, 0 for none."""
    alive: bool = False
    """Whether the selected process lives at the position shown."""
    selected: bool = False
    """Whether anything is selected."""
    job: bool = False
    playing: bool = False
    recorded: bool = False
    """Whether a real kernel was recorded doing the operations of the branch."""
    traces: bool = False
    """Whether the file opened holds more kernel traces than the one shown."""


@frozen
class Rule:
    """When an action may be used, and the sentence shown where it may not."""

    test: Callable[[State], bool]
    reason: str


RULES: dict[str, Rule] = {
    "": Rule(lambda state: True, ""),
    "process": Rule(lambda state: state.alive, "Select a living process first."),
    "selection": Rule(lambda state: state.selected, "Nothing is selected."),
    "past": Rule(lambda state: state.position > 0, "This is the beginning: there is nothing before it."),
    "future": Rule(lambda state: state.position < state.head, "This is the last operation: nothing comes after it."),
    "log": Rule(lambda state: state.head > 0, "There are no operations yet."),
    "kernel": Rule(lambda state: state.recorded, "No kernel was recorded doing this: open a kernel trace."),
    "traces": Rule(lambda state: state.traces, "The file that is open holds no other kernel trace."),
    "job": Rule(lambda state: state.job, "Nothing is running."),
}


@frozen(kw_only=True)
class Action:
    """One thing the user can do.

    :param menu: the menu it stands in. :param handler: method of gui.commands.Commands that does it.
    :param needs: key of RULES. :param context: kinds of context menu it also stands in.
    :param form: the form it opens (key of gui.forms.FORMS). :param values: what fills the form, or argues the handler.
    """

    id: str
    text: str
    menu: str
    handler: str
    tip: str
    shortcut: tuple[str, ...] = ()
    icon: str = ""
    needs: str = ""
    context: tuple[str, ...] = ()
    form: str = ""
    values: dict[str, Any] = field(factory=dict)
    checkable: bool = False
    ruled: bool = False
    """A separator stands above it."""
    submenu: str = ""

    @property
    def title(self) -> str:
        """The text without its mnemonic."""
        return self.text.replace("&", "")

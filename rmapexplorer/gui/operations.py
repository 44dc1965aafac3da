"""The forms of the operations as records: their fields, and how the entered values become operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen

from rmapexplorer.core.operations import (
    ADVICES,
    KINDS,
    Brk,
    Clone,
    Exec,
    Exit,
    Fork,
    Ftruncate,
    Madvise,
    Mlock,
    Mmap,
    Mprotect,
    Mremap,
    Mseal,
    Munlock,
    Munmap,
    Operation,
    Punch,
    Reclaim,
    RemapFilePages,
    Spawn,
    Swapoff,
    Touch,
)
from rmapexplorer.core.units import Span
from rmapexplorer.gui.form_fields import Field

MODES = ("in place", "may move", "fixed", "dontunmap")
"""Ways of mremap: no flags; MREMAP_MAYMOVE; with MREMAP_FIXED; with MREMAP_DONTUNMAP."""

_ADVICES = ("dontneed", *(advice for advice in ADVICES if advice != "dontneed"))

KERNEL_CHOOSES = "kernel chooses"


class Invalid(Exception):
    """Values that make no operation: the form's field at fault and one sentence."""

    def __init__(self, *, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field
        self.sentence = sentence


@frozen(kw_only=True)
class Form:
    """One form. ``build`` turns the values of the fields (by key) into operations, or raises Invalid.

    :param instant: needs nothing but a process: runs at once from toolbar and menu, the form comes with Shift.
    """

    title: str
    fields: tuple[Field, ...]
    build: Callable[[dict[str, Any]], list[Operation]]
    instant: bool = False


def _pid(**more: Any) -> Field:
    return Field(key="pid", label="process", kind="pid", **more)


def _span(label: str = "pages") -> Field:
    return Field(key="span", label=label, kind="span", hint="e.g. a10")


def _prot(default: str = "rw") -> Field:
    return Field(key="prot", label="protection", kind="prot", default=default)


def _fork(v: dict[str, Any]) -> list[Operation]:
    if v["times"] > 1 and v["child"]:
        raise Invalid(field="child", sentence="One pid cannot name several children: leave it to the kernel.")
    return [Fork(pid=v["pid"], child=v["child"], comm=v["comm"]) for _ in range(v["times"])]


def _mmap(v: dict[str, Any]) -> list[Operation]:
    of_file = v["kind"].startswith("file")
    if of_file and not v["file"]:
        raise Invalid(field="file", sentence="A file mapping needs the name of a file, for example libc.so.")
    flags = (("populate",) if v["populate"] == "yes" else ()) + (("noreplace",) if v["replace"] == "no" else ())
    return [
        Mmap(
            pid=v["pid"], span=v["span"], prot=v["prot"], kind=v["kind"], flags=flags,
            file=v["file"] if of_file else "", offset=max(0, v["offset"]) if of_file else 0,
        )
    ]  # fmt: skip


def _mremap(v: dict[str, Any]) -> list[Operation]:
    to = {"in place": None, "may move": -1, "fixed": v["to"], "dontunmap": v["to"]}[v["mode"]]
    if v["mode"] == "fixed" and to == -1:
        raise Invalid(field="to", sentence="MREMAP_FIXED needs the first page of the new place, for example c40.")
    pages = v["span"].pages if v["mode"] == "dontunmap" else v["new_pages"]
    return [Mremap(pid=v["pid"], span=v["span"], new_pages=pages, to=to, dontunmap=v["mode"] == "dontunmap")]


def _touch(v: dict[str, Any]) -> list[Operation]:
    span: Span = v["span"]
    access = "w" if v["access"].startswith("w") else "r"
    return [Touch(pid=v["pid"], runs=((span.start, span.end, access),))]


def _file() -> Field:
    return Field(key="file", label="file", kind="text", hint="libc.so")


def _named(v: dict[str, Any]) -> str:
    if not v["file"]:
        raise Invalid(field="file", sentence="This needs the name of a file that is mapped, for example libc.so.")
    return str(v["file"])


FORMS: dict[str, Form] = {
    "spawn": Form(
        title="New process",
        fields=(
            Field(key="comm", label="name", kind="text", default="task"),
            Field(key="pid_new", label="pid", kind="count", default=0, hint="next free", most=4_194_304),
        ),
        build=lambda v: [Spawn(pid=v["pid_new"], comm=v["comm"])],
    ),
    "fork": Form(
        title="Fork",
        fields=(
            _pid(),
            Field(key="times", label="times", kind="count", default=1, most=100_000),
            Field(key="child", label="child's pid", kind="count", default=0, hint="next free", most=4_194_304),
            Field(key="comm", label="child's name", kind="text", hint="as the parent's"),
        ),
        build=_fork,
        instant=True,
    ),
    "exec": Form(
        title="Exec",
        fields=(_pid(), Field(key="comm", label="new name", kind="text", default="cgi")),
        build=lambda v: [Exec(pid=v["pid"], comm=v["comm"])],
    ),
    "exit": Form(title="Exit", fields=(_pid(),), build=lambda v: [Exit(pid=v["pid"])], instant=True),
    "mmap": Form(
        title="Mmap",
        fields=(
            _pid(),
            Field(key="kind", label="of", kind="choice", choices=KINDS, default="anon"),
            Field(key="span", label="pages", kind="span", default=-1, hint=KERNEL_CHOOSES),
            _prot(),
            Field(key="file", label="file", kind="text", hint="libc.so",
                  only=("kind", ("file-private", "file-shared"))),
            Field(key="offset", label="first page of it", kind="file_page", default=-1, hint="0",
                  only=("kind", ("file-private", "file-shared"))),
            Field(key="populate", label="populate", kind="choice", choices=("no", "yes")),
            Field(key="replace", label="may replace", kind="choice", choices=("yes", "no")),
        ),
        build=_mmap,
    ),
    "munmap": Form(title="Munmap", fields=(_pid(), _span()), build=lambda v: [Munmap(pid=v["pid"], span=v["span"])]),
    "mprotect": Form(
        title="Mprotect",
        fields=(_pid(), _span(), _prot("r")),
        build=lambda v: [Mprotect(pid=v["pid"], span=v["span"], prot=v["prot"])],
    ),
    "mremap": Form(
        title="Mremap",
        fields=(
            _pid(),
            Field(key="mode", label="how", kind="choice", choices=MODES, default="may move"),
            _span("old pages"),
            Field(key="new_pages", label="new length", kind="count", default=1, most=2**31 - 1,
                  only=("mode", ("in place", "may move", "fixed"))),
            Field(key="to", label="new place", kind="page", default=-1, hint=KERNEL_CHOOSES,
                  only=("mode", ("fixed", "dontunmap"))),
        ),
        build=_mremap,
    ),
    "brk": Form(
        title="Brk",
        fields=(_pid(), Field(key="end", label="heap ends at", kind="page", hint="e.g. 700")),
        build=lambda v: [Brk(pid=v["pid"], end=v["end"])],
    ),
    "madvise": Form(
        title="Madvise",
        fields=(_pid(), _span(), Field(key="advice", label="advice", kind="choice", choices=_ADVICES)),
        build=lambda v: [Madvise(pid=v["pid"], span=v["span"], advice=v["advice"])],
    ),
    "touch": Form(
        title="Touch",
        fields=(_pid(), _span(), Field(key="access", label="access", kind="choice", choices=("write", "read"))),
        build=_touch,
    ),
    "reclaim": Form(
        title="Reclaim",
        fields=(Field(key="pages", label="pages", kind="count", default=0, hint="everything anonymous", most=10**9),),
        build=lambda v: [Reclaim(pages=v["pages"] or None)],
    ),
    "swapoff": Form(title="Swapoff", fields=(), build=lambda v: [Swapoff()], instant=True),
    "clone": Form(
        title="Clone",
        fields=(
            _pid(),
            Field(key="what", label="makes a", kind="choice", choices=("thread", "vfork child")),
            Field(key="child", label="its pid", kind="count", default=0, hint="next free", most=4_194_304),
        ),
        build=lambda v: [Clone(pid=v["pid"], child=v["child"], thread=v["what"] == "thread")],
    ),
    "mlock": Form(
        title="Mlock",
        fields=(
            _pid(),
            _span(),
            Field(key="when", label="pages come", kind="choice", choices=("at once", "when touched")),
        ),
        build=lambda v: [Mlock(pid=v["pid"], span=v["span"], onfault=v["when"] == "when touched")],
    ),
    "munlock": Form(title="Munlock", fields=(_pid(), _span()), build=lambda v: [Munlock(pid=v["pid"], span=v["span"])]),
    "mseal": Form(title="Mseal", fields=(_pid(), _span()), build=lambda v: [Mseal(pid=v["pid"], span=v["span"])]),
    "remap_file_pages": Form(
        title="Remap file pages",
        fields=(_pid(), _span(), Field(key="offset", label="show file from", kind="file_page", default=-1, hint="page 0")),
        build=lambda v: [RemapFilePages(pid=v["pid"], span=v["span"], offset=max(0, v["offset"]))],
    ),
    "ftruncate": Form(
        title="Ftruncate",
        fields=(
            _pid(),
            _file(),
            Field(key="pages", label="pages left", kind="count", default=0, hint="none", most=2**31 - 1),
        ),
        build=lambda v: [Ftruncate(pid=v["pid"], file=_named(v), pages=v["pages"])],
    ),
    "punch": Form(
        title="Punch a hole",
        fields=(
            _pid(),
            _file(),
            Field(key="offset", label="first page", kind="file_page", default=-1, hint="0"),
            Field(key="pages", label="pages", kind="count", default=1, most=2**31 - 1),
        ),
        build=lambda v: [Punch(pid=v["pid"], file=_named(v), offset=max(0, v["offset"]), pages=v["pages"])],
    ),
}  # fmt: skip

FAULTS = {
    "runs": "span", "start": "span", "addr": "span", "dontunmap": "mode", "flags": "replace", "length": "new_pages",
    "new_addr": "to", "comm": "comm", "onfault": "when", "thread": "what",
}  # fmt: skip
"""Field of an operation, as an outcome names it -> field of the form that stands for it."""

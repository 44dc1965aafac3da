"""What a kernel trace may look like: every value that is ever used has its type checked before anything is done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rmapexplorer.formats.codec import MAX_PAGE, shown
from rmapexplorer.formats.limits import MAX_STEPS, MAX_TEXT, at_most

Check = Callable[[Any, str], None]
"""(value, its name); ValueError("NAME must be ...") where it is something else."""


def _of(kind: type[Any], words: str) -> Check:
    def check(value: Any, name: str) -> None:
        if type(value) is not kind:
            raise ValueError(f"{name} must be {words}, not {shown(value)}")

    return check


_flag, _object, _list = _of(bool, "true or false"), _of(dict, "an object"), _of(list, "a list")


def _number(value: Any, name: str) -> None:
    if type(value) is not int or abs(value) > MAX_PAGE:
        raise ValueError(f"{name} must be a whole number of pages, not {shown(value)}")


def _text(value: Any, name: str) -> None:
    if (
        not isinstance(value, str)
        or len(value) > MAX_TEXT
        or any("\ud800" <= c <= "\udfff" or c == "\0" for c in value)
    ):
        raise ValueError(f"{name} must be a text of at most {MAX_TEXT} characters, not {shown(value)}")


def _maybe(check: Check) -> Check:
    return lambda value, name: None if value is None else check(value, name)


def _each(check: Check) -> Check:
    def all_of(value: Any, name: str) -> None:
        _list(value, name)
        for item in value:
            check(item, name)

    return all_of


def _by_name(check: Check) -> Check:
    def all_of(value: Any, name: str) -> None:
        _object(value, name)
        for key, item in value.items():
            _text(key, f"a name in {name}")
            check(item, f"{name} {shown(key)}")

    return all_of


def _fields(needed: dict[str, Check], others: dict[str, Check]) -> Check:
    def check(value: Any, name: str) -> None:
        _object(value, name)
        for key in needed:
            if key not in value:
                raise ValueError(f'{name} has no "{key}"')
        for key, item in value.items():
            known = needed.get(key) or others.get(key)
            if known is not None:  # what is not known is not looked at
                known(item, f'"{key}" of {name}')

    return check


def _place(value: Any, name: str) -> None:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(f"{name} must hold [process, page], not {shown(value)}")
    _text(value[0], name)
    _number(value[1], name)


_ENTRIES: dict[str, tuple[Check, ...]] = {
    "a": (_text, _number, _text, _number, _text),
    "f": (_text, _number, _text),
    "s": (_text, _text),
    "z": (),
    "o": (_text,),
}
"""Kind of a page table entry -> what follows its page and kind."""


def _entry(value: Any, name: str) -> None:
    kind = value[1] if isinstance(value, list) and len(value) > 1 else None
    checks = _ENTRIES.get(kind) if isinstance(kind, str) else None
    if checks is None or len(value) != 2 + len(checks):
        raise ValueError(f"{name} must hold page table entries like [page, kind, ...], not {shown(value)}")
    _number(value[0], name)
    for check, item in zip(checks, value[2:], strict=True):
        check(item, name)


_vma = _fields(
    {"s": _number, "e": _number, "p": _text, "o": _number},
    {"f": _text, "file": _text, "av": _text, "chain": _each(_text), "pages": _each(_entry)},
)
_anon_vma = _fields(
    {"root": _text, "parent": _text, "refs": _number, "children": _number, "active": _number, "tree": _each(_place)}, {}
)
_file = _fields({"tree": _each(_place)}, {"pages": _number})
_flags = _maybe(_each(_text))

_OP: dict[str, Check] = {
    **dict.fromkeys(("at", "pages", "from", "new_pages", "old_pages"), _number),
    **dict.fromkeys(("to", "offset", "pgoff"), _maybe(_number)),
    **dict.fromkeys(("proc", "root", "child", "prot", "kind", "file", "advice", "access"), _text),
    "flags": _flags,
}

_step = _fields(
    {"i": _number, "op": _fields({"op": _text}, _OP)},
    {
        "err": _text, "done": _number,
        "procs": _maybe(_by_name(_maybe(_each(_vma)))),
        "anon_vmas": _maybe(_by_name(_maybe(_anon_vma))),
        "files": _maybe(_by_name(_maybe(_file))),
    },
)  # fmt: skip

_trace = _fields({"name": _text, "steps": _list}, {"note": _maybe(_text), "files": _maybe(_by_name(_number))})


def check(raw: Any) -> None:
    """ValueError in words that follow the name of the trace, where it has another shape."""
    _trace(raw, "it")
    at_most(len(raw["steps"]), MAX_STEPS, "steps")
    if not raw["steps"]:
        raise ValueError("it has no steps")
    for number, step in enumerate(raw["steps"]):
        _step(step, f"step {number}")

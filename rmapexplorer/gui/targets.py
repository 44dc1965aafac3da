"""From what is selected, and what a view pointed at, to the values that fill a form. Plain functions of a frame."""

from __future__ import annotations

from typing import Any

from rmapexplorer.core.units import TASK_SIZE_PAGES, Span
from rmapexplorer.engine.frames import Frame

GUARD = 0x10
"""Pages left between a vma and a proposed new place, so that they do not touch by accident."""


def tasks(frame: Frame | None) -> list[tuple[int, str]]:
    """(pid, name) of the processes alive."""
    if frame is None:
        return []
    return [(int(pid), frame.tasks.comm[row]) for row, pid in enumerate(frame.tasks.pid)]


def alive(frame: Frame | None, pid: int) -> bool:
    """Whether ``pid`` lives in this frame."""
    return frame is not None and pid != 0 and bool((frame.tasks.pid == pid).any())


def spans(frame: Frame, pid: int) -> list[Span]:
    """The vmas of one process, by address."""
    rows = (frame.tasks.pid == pid).nonzero()[0]
    if not len(rows):
        return []
    low, high = int(frame.vmas.first[rows[0]]), int(frame.vmas.first[rows[0] + 1])
    return [
        Span(int(start), int(end))
        for start, end in zip(frame.vmas.start[low:high], frame.vmas.end[low:high], strict=True)
    ]


def vma_at(frame: Frame | None, pid: int, vpn: int) -> Span | None:
    """The vma of ``pid`` over page number ``vpn``."""
    if frame is None or vpn < 0:
        return None
    rows = (frame.tasks.pid == pid).nonzero()[0]
    if not len(rows):
        return None
    low, high = int(frame.vmas.first[rows[0]]), int(frame.vmas.first[rows[0] + 1])
    at = low + int(frame.vmas.start[low:high].searchsorted(vpn, side="right")) - 1
    return Span(int(frame.vmas.start[at]), int(frame.vmas.end[at])) if at >= low and vpn < frame.vmas.end[at] else None


def newest(frame: Frame | None, pid: int) -> Span | None:
    """The vma of ``pid`` that was made last; None where it has none."""
    rows = (frame.tasks.pid == pid).nonzero()[0] if frame is not None else ()
    if frame is None or not len(rows):
        return None
    low, high = int(frame.vmas.first[rows[0]]), int(frame.vmas.first[rows[0] + 1])
    if low == high:
        return None
    at = low + int(frame.vmas.birth[low:high].argmax())
    return Span(int(frame.vmas.start[at]), int(frame.vmas.end[at]))


def interesting(frame: Frame) -> tuple[int, int]:
    """What to look at where a session says nothing: the largest anonymous vma of the process with most such pages.

    :return: (pid, page number), (0, -1) where there is no process.
    """
    if not len(frame.tasks.pid):
        return 0, -1
    row = int(frame.tasks.anon_pages.argmax())
    low, high = int(frame.vmas.first[row]), int(frame.vmas.first[row + 1])
    if low == high:
        return int(frame.tasks.pid[row]), -1
    return int(frame.tasks.pid[row]), int(frame.vmas.start[low + int(frame.vmas.anon_pages[low:high].argmax())])


def hole(frame: Frame, pid: int, pages: int, after: int) -> int:
    """First page of a free place for ``pages`` pages at or above ``after``, in a round number; -1 for none."""
    start = _round(after + GUARD)
    for span in spans(frame, pid):
        if span.end <= start:
            continue
        if start + pages + GUARD <= span.start:
            break
        start = _round(span.end + GUARD)
    return start if start + pages <= TASK_SIZE_PAGES else -1


def _round(page: int) -> int:
    return -(-page // GUARD) * GUARD


def prefill(key: str, frame: Frame | None, pid: int, vpn: int, given: dict[str, Any]) -> dict[str, Any]:
    """Values for the form ``key``: what was ``given``, and the rest from the selection (pid, vpn)."""
    values = dict(given)
    values.setdefault("pid", pid or None)
    who = values["pid"] or 0
    page = values.get("vpn", vpn if who == pid else -1)
    span = _as_span(values.get("span"))
    vma = vma_at(frame, who, page)
    if span is None and key == "touch" and page >= 0:
        span = Span(page, page + 1) if vma is None or given.get("vpn") is not None else vma
    values["span"] = span or vma or (None if key == "mmap" else newest(frame, who))
    values.setdefault("access", None)
    values["access"] = {"w": "write", "r": "read"}.get(values["access"], values["access"])
    fill = _FILLS.get(key)
    if fill is not None and frame is not None:
        fill(values, frame, who)
    return values


def _as_span(value: Any) -> Span | None:
    if value is None or isinstance(value, Span):
        return value
    return Span(int(value[0]), int(value[1]))


def _fill_mmap(values: dict[str, Any], frame: Frame, pid: int) -> None:
    if values["span"] is not None and any(values["span"].overlaps(span) for span in spans(frame, pid)):
        values["span"] = None


def _fill_mremap(values: dict[str, Any], frame: Frame, pid: int) -> None:
    span = values["span"]
    if span is None:
        return
    values.setdefault("new_pages", span.pages)
    if "mode" not in values and values.get("to") is not None:
        values["mode"] = "fixed"
    if values.get("to") is None and values.get("mode") == "fixed":
        values["to"] = hole(frame, pid, values["new_pages"], span.end)


def _fill_brk(values: dict[str, Any], frame: Frame, pid: int) -> None:
    if "end" in values:
        return
    row = (frame.tasks.pid == pid).nonzero()[0]
    if not len(row):
        return
    low, high = int(frame.vmas.first[row[0]]), int(frame.vmas.first[row[0] + 1])
    for at in range(low, high):
        if frame.vmas.label[at] >= 0 and frame.labels[int(frame.vmas.label[at])] == "[heap]":
            values["end"] = int(frame.vmas.end[at]) + 4


def _fill_file(values: dict[str, Any], frame: Frame, pid: int) -> None:
    """The file behind the span, and the part of it that shows there."""
    row = (frame.tasks.pid == pid).nonzero()[0]
    span = values["span"]
    if not len(row) or span is None:
        return
    for at in range(int(frame.vmas.first[row[0]]), int(frame.vmas.first[row[0] + 1])):
        start, file = int(frame.vmas.start[at]), int(frame.vmas.file[at])
        if start <= span.start < frame.vmas.end[at] and file >= 0:
            values.setdefault("file", frame.files[file])
            values.setdefault("offset", int(frame.vmas.pgoff[at]) + span.start - start)
            values.setdefault("pages", span.pages)


_FILLS = {
    "mmap": _fill_mmap, "mremap": _fill_mremap, "brk": _fill_brk,
    "remap_file_pages": _fill_file, "ftruncate": _fill_file, "punch": _fill_file,
}  # fmt: skip

"""CASES: everything that is measured, at which sizes. A new one is a line here, its work in calls.py or growth.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from attrs import frozen

from rmapexplorer.bench.growth import explosion
from rmapexplorer.bench.measured import PROCESSOR, Figure
from rmapexplorer.bench.rig import LONG_SECONDS, SECONDS, Rig
from rmapexplorer.bench.twin import swaps, vmas_at_most
from rmapexplorer.designs.registry import DESIGNS

Measure = Callable[["Case", Rig, int], list[Figure]]


@frozen(kw_only=True)
class Case:
    """What is measured at each of ``sizes``. :raises Stopped: by ``measure``, where it comes to no figure.

    :param title: with {} for the size. :param grows: quantity whose growth from size to size is a figure too; "" for none.
    :param quick: sizes of a trial of the bench. :param long: sizes that take many minutes, measured when asked for.
    """

    name: str
    title: str
    sizes: tuple[int, ...]
    quick: tuple[int, ...]
    measure: Measure
    grows: str = ""
    long: tuple[int, ...] = ()

    def figure(self, size: int, quantity: str, unit: str, samples: Sequence[float], **more: Any) -> Figure:
        """One figure of this case."""
        what = self.title.format(f"{size:,}")
        return Figure(case=self.name, size=size, quantity=quantity, what=what, unit=unit, samples=samples, **more)


def _calls(
    case: Case, rig: Rig, size: int, *, work: str, key: str, arguments: Callable[[Rig, int], dict[str, int]],
    twin: Callable[[Rig, int], str] = lambda rig, size: "", unit: str = "us", scale: float = 1.0,
) -> list[Figure]:  # fmt: skip
    # work of bench.calls and the twin's, which take the same numbers in the same order
    numbers = arguments(rig, size)
    samples = rig.inside(work, **numbers)[key]
    why = twin(rig, size)
    kernel, note = ({}, why) if why else rig.kernel(work, *numbers.values(), scale=scale)
    ours = [scale * value for value in samples]
    return [case.figure(size, "time", unit, ours, twin=kernel.get(key, ()), note=note)]


def _forks(key: str, of_vmas: bool) -> Measure:
    def arguments(rig: Rig, size: int) -> dict[str, int]:
        children = rig.repeats(100 if of_vmas and size <= 1000 else 20)
        return {"vmas": size if of_vmas else 1, "pages": 1 if of_vmas else size, "children": children}

    return partial(_calls, work="fork", key=key, arguments=arguments)


def _enough_vmas(rig: Rig, size: int) -> str:
    most = vmas_at_most()
    return "" if 2 * size + 100 < most else f"vm.max_map_count is {most:,} here, too little for the kernel"


def _swap(rig: Rig, size: int) -> str:
    return "" if swaps() else "this machine has no swap, so that the kernel leaves the pages where they are"


_CALLS = (
    Case(name="fork-vmas", title="fork of {} touched one-page vmas", sizes=(100, 1000, 10_000), quick=(100,),
         measure=_forks("fork", True)),
    Case(name="fork-pages", title="fork of one vma with {} touched pages", sizes=(4096, 65_536, 262_144), quick=(4096,),
         measure=_forks("fork", False)),
    Case(name="exit-vmas", title="exit with {} touched one-page vmas", sizes=(100, 1000, 10_000), quick=(),
         measure=_forks("exit", True)),
    Case(name="exit-pages", title="exit with one vma of {} touched pages", sizes=(4096, 65_536, 262_144), quick=(),
         measure=_forks("exit", False)),
    Case(name="small", title="mmap, touch a page, munmap, each, beside {} vmas", sizes=(0, 1000, 30_000), quick=(0,),
         measure=partial(_calls, work="small", key="small", arguments=lambda rig, size: {
             "beside": size, "triples": 100 if rig.quick else 3000, "repeats": rig.repeats(5)})),
    Case(name="mremap", title="mremap of a vma with {} touched pages", sizes=(512, 65_536), quick=(512,),
         measure=partial(_calls, work="mremap", key="mremap", arguments=lambda rig, size: {
             "pages": size, "repeats": rig.repeats(20)})),
    Case(name="protect", title="mprotect of {} pages, every second one, all calls", sizes=(2000, 8000, 32_000), quick=(100,),
         grows="time",
         measure=partial(_calls, work="protect", key="protect", unit="ms", scale=1e-3, twin=_enough_vmas,
                         arguments=lambda rig, size: {"calls": size, "repeats": rig.repeats(3)})),
    Case(name="pageout", title="MADV_PAGEOUT of {} touched pages", sizes=(4096, 65_536), quick=(512,),
         measure=partial(_calls, work="pageout", key="pageout", twin=_swap, arguments=lambda rig, size: {
             "pages": size, "repeats": rig.repeats(3)})),
)  # fmt: skip


def _inside(
    case: Case, rig: Rig, size: int, *, work: str, argument: str, repeats: int = 3, **more: Any
) -> list[Figure]:
    # one that must grow no faster than its size: each repeat in a process of its own
    found = [rig.inside(work, **{argument: size}, **more) for _ in range(rig.repeats(repeats))]
    figures = [case.figure(size, "time", "s", [second for one in found for second in one["time"]])]
    if "columns" in found[0]:
        figures.append(case.figure(size, "columns", "MB", [mb for one in found for mb in one["columns"]]))
    return [*figures, case.figure(size, "peak", "MB", [one["peak"] for one in found])]


def _frame(case: Case, rig: Rig, size: int) -> list[Figure]:
    found = rig.inside("frame", pages=size, repeats=rig.repeats(10))
    return [case.figure(size, "time", "ms", found["time"]), case.figure(size, "peak", "MB", [found["peak"]])]


def _walk(case: Case, rig: Rig, size: int, *, design: str) -> list[Figure]:
    found = rig.inside("walk", design=design, calls=size, repeats=rig.repeats(3))
    return [
        case.figure(size, "walk", "ms", found["walk"]), case.figure(size, "probe", "ms", found["probe"]),
        case.figure(size, "peak", "MB", [found["peak"]]),
    ]  # fmt: skip


def _explosion(case: Case, rig: Rig, size: int, *, designs: Sequence[str], forks: int) -> list[Figure]:
    path = rig.session(f"explosion-{size}-{forks}", lambda: explosion(size, forks))
    return _program(case, rig, size, ["run", path, "--design", *designs, "--json", "-"], 1, SECONDS)


def _program(case: Case, rig: Rig, size: int, words: Sequence[str], repeats: int, seconds: float) -> list[Figure]:
    done = [rig.program(words, seconds) for _ in range(rig.repeats(repeats))]
    return [
        case.figure(size, "time", "s", [one.seconds for one in done]),
        case.figure(size, PROCESSOR, "s", [one.processor for one in done]),
        case.figure(size, "peak", "MB", [one.peak for one in done]),
    ]


def _lines(case: Case, rig: Rig, size: int, *, kind: str, repeats: int = 1) -> list[Figure]:
    path = rig.recorded(kind, size)
    return _program(case, rig, size, ["run", path, "--json", "-"], repeats, LONG_SECONDS if size > 10**6 else SECONDS)


def _pool(case: Case, rig: Rig, size: int) -> list[Figure]:
    return _program(case, rig, size, ["run", rig.source(), "--json", "-"], 5, SECONDS)


_GROWTH = (
    Case(name="storm", title="storm: {} forks of 1,000 touched vmas", sizes=(250, 500, 1000), quick=(20,), grows="time",
         measure=partial(_inside, work="storm", argument="children", repeats=1, vmas=1000)),
    Case(name="forks", title="{} forks, the kernel choosing the pid", sizes=(1000, 2000, 4000), quick=(50,), grows="time",
         measure=partial(_inside, work="forks", argument="children")),
    Case(name="holes", title="{} holes punched into a mapped file", sizes=(200, 400, 800), quick=(20,), grows="time",
         measure=partial(_inside, work="holes", argument="count")),
    Case(name="freed", title="reclaim of {} MADV_FREE pages", sizes=(32_768, 65_536, 131_072), quick=(512,), grows="time",
         measure=partial(_inside, work="freed", argument="pages")),
    Case(name="top-down", title="{} mmaps from the top down", sizes=(8000, 16_000, 32_000), quick=(200,), grows="time",
         measure=partial(_inside, work="top_down", argument="count")),
    Case(name="lines", title="run of {} lines of an allocator", sizes=(50_000, 100_000, 200_000), quick=(),
         grows=PROCESSOR,
         measure=partial(_lines, kind="malloc")),
    Case(name="frame", title="a frame after one write, 2 processes of {} ptes", sizes=(131_072, 524_288), quick=(4096,),
         measure=_frame),
)  # fmt: skip

_SIZES, _QUICK = (500, 2000, 8000, 32_700), (50,)

_WALKS = tuple(
    Case(name=f"walk-{kind.key}", title=f"walk and probe, {{}} x every second page, {kind.key}", sizes=_SIZES,
         quick=_QUICK if kind.key == "anon_vma" else (), measure=partial(_walk, design=kind.key), grows="probe")
    for kind in DESIGNS
)  # fmt: skip


def _explosions(name: str, title: str, designs: Sequence[str], forks: int, quick: tuple[int, ...] = ()) -> Case:
    full = f"run of {{}} x every second page{f' and {forks} forks' if forks else ''}, {title}"
    measure = partial(_explosion, designs=designs, forks=forks)
    return Case(name=name, title=full, sizes=_SIZES, quick=quick, measure=measure, grows=PROCESSOR)


_EVERY = [kind.key for kind in DESIGNS]

_EXPLOSIONS = (
    *(_explosions(f"explosion-{key}", key, [key], 0, _QUICK if key == "anon_vma_chain" else ()) for key in _EVERY),
    *(_explosions(f"explosion-forked-{key}", key, [key], 10) for key in _EVERY),
    _explosions("all-designs", "all designs", _EVERY, 0),
    _explosions("all-designs-forked", "all designs", _EVERY, 10),
)

_RECORDINGS = (
    Case(name="pool", title="run of the recording, four designs", sizes=(1,), quick=(), measure=_pool),
    Case(name="pool-lines", title="run of {} lines, the recording told many times", sizes=(10**6,), quick=(),
         long=(5 * 10**6,), measure=partial(_lines, kind="pool")),
    Case(name="malloc-lines", title="run of {} lines of an allocator, four designs", sizes=(10**6,), quick=(400,),
         long=(5 * 10**6,), measure=partial(_lines, kind="malloc")),
)  # fmt: skip

CASES: tuple[Case, ...] = (*_CALLS, *_GROWTH, *_WALKS, *_EXPLOSIONS, *_RECORDINGS)
"""In the order in which they are measured."""

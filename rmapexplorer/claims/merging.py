"""Claims about splitting and merging vmas: C8 to C11."""

from __future__ import annotations

from rmapexplorer.claims.look import cost, pages_of, vmas_at, vmas_of, walk_of
from rmapexplorer.claims.model import (
    HALF_TRUE,
    HOLDS,
    I386,
    ONLY_WHEN,
    REFUTED,
    Claim,
    Figure,
    Figures,
    Place,
    Table,
    Verdict,
    columns,
    each,
    listed,
    many,
    number,
    sentence,
    where,
)  # fmt: skip
from rmapexplorer.claims.replay import Passage, Replay
from rmapexplorer.claims.scene import CHILD, HEAP, PARENT, Scene, span
from rmapexplorer.claims.traces import RandomCalls
from rmapexplorer.formats.session import Session

NAIVE, FIXUP = "anon_vma:direct=naive,adopt=none,alloc=fork", "anon_vma:direct=fixup,adopt=none,alloc=fork"


# -- C8 -----------------------------------------------------------------------------------------------

AREA = span(HEAP, 48)
MIDDLE = span(HEAP + 16, 12)


def _c8_scene() -> Session:
    s = Scene("C8: direct pages and vma_split", I386)
    s.area(PARENT, AREA)
    s.note("48 direct pages: each names the vma it lies in.")
    s.protect(PARENT, MIDDLE, "r")
    s.note("mprotect of the middle made three vmas of one.")
    s.reclaim()
    return s.session()


def _c8(r: Replay) -> Figures:
    r.until(0)
    before = vmas_at(r.world, PARENT, AREA)
    touched = r.until(1)["pages_touched_for_fixup"]
    after = vmas_at(r.world, PARENT, AREA)
    missed = walk_of(r.world, (PARENT, AREA)).missed
    return {
        "changed": sum(old != new for old, new in zip(before, after, strict=True)), "missed": missed,
        "touched": touched,
        "unswappable": r.until()["pages_unswappable"],
    }  # fmt: skip


def _c8_rule(t: Table) -> Verdict:
    naive, fixup = t[NAIVE], t[FIXUP]
    words = (
        f"{many(naive['changed'], 'page')} lie in another vma after the split; direct pages as posted miss "
        f"{many(naive['missed'], 'pte')}, "
        f"with a fix-up {many(fixup['missed'], 'pte')} after touching {many(fixup['touched'], 'page')}, anon_vma as "
        f"merged "
        f"{many(t['anon_vma']['missed'], 'pte')} after touching {number(t['anon_vma']['touched'])}"
    )
    if naive["missed"] == 0 and fixup["touched"] == 0:
        return Verdict(HOLDS, f"Direct pages survive: {words}.")
    if naive["missed"] and not fixup["missed"] and fixup["touched"] < naive["changed"]:
        return Verdict(HALF_TRUE, f"Direct pages can be kept at little cost: {words}.")
    return Verdict(REFUTED, sentence(words))


C8 = Claim(
    id="C8", title="direct pages survive what happens to their vma",
    statement="A page may name its vma, since the design keeps it right (the letter takes that for granted).",
    place=Place((12,), "direct pages are instantiated without an anon_vma; splitting is not mentioned"),
    columns=columns(NAIVE, FIXUP, "anon_vma", "anonmm"),
    figures=(
        Figure("changed", "pages", "that lie in another vma after the split"),
        Figure("missed", "ptes", "missed by the walks after it"),
        Figure("touched", "pages", "touched to name their new vma"),
        Figure("unswappable", "pages", "that reclaim could not unmap"),
    ),
    make=_c8_scene, measure=_c8, rule=_c8_rule,
    rule_text="Holds where direct pages miss nothing and need no fix-up; half true where a fix-up touches fewer "
    "pages than changed their vma; refuted otherwise.",
    remark="Hugh Dickins asked about vma_split half an hour after the letter; less than three hours after it its "
    "writer gave direct pages up "
    "(20040312155652.GW30940@dualathlon.random).",
)  # fmt: skip


# -- C9 -----------------------------------------------------------------------------------------------

STEP = 8


def _c9_scene() -> Session:
    s = Scene("C9: which merges are refused", I386)
    for turn in range(6):
        s.area(PARENT, span(HEAP + turn * STEP, STEP))
    for turn in (1, 3, 4):
        hole = span(HEAP + turn * STEP, STEP)
        s.unmap(PARENT, hole)
        s.area(PARENT, hole)
    base = HEAP + 0x1000
    s.brk(PARENT, base + STEP, start=base)
    for turn in range(2, 6):
        s.write(PARENT, span(base + (turn - 2) * STEP, STEP))
        s.brk(PARENT, base + turn * STEP)
    s.note("Memory appended, unmapped and mapped again, and a heap that grew: all without mremap.")
    far = HEAP + 0x2000
    s.area(PARENT, span(far, STEP))
    s.area(PARENT, span(far + 2 * STEP, STEP))
    s.area(PARENT, span(far + STEP, STEP))
    s.note("Two areas were written apart; the third fills the gap between them.")
    s.move(PARENT, span(HEAP, STEP), far + 3 * STEP)
    s.move(PARENT, span(HEAP + 3 * STEP, STEP), HEAP)
    s.move(PARENT, span(HEAP, STEP), HEAP + 3 * STEP)
    home = span(HEAP + 0x3000, STEP)
    s.area(PARENT, home)
    s.move(PARENT, home, HEAP + 0x4000)
    s.area(PARENT, span(home.end, STEP))
    s.move(PARENT, span(HEAP + 0x4000, STEP), home.start)
    s.note("mremap put areas next to foreign ones, and back home, where one of them finds a new neighbour.")
    return s.session()


def _other_rules(done: Passage) -> int:
    return sum(count for rule, count in done.refusals.items() if rule not in ("anon_vma", "pgoff"))


def _c9(r: Replay) -> Figures:
    plain = r.until(0)
    figures: dict[str, float] = {"plain": plain["merges_refused"], "vmas_plain": vmas_of(r.world, PARENT)}
    gap, moved = r.until(1), r.until(2)
    return figures | {
        "gap": gap["merges_refused"], "moved_anon_vma": moved.refusals["anon_vma"],
        "moved_pgoff": moved.refusals["pgoff"],
        "other": sum(map(_other_rules, (plain, gap, moved))), "vmas": vmas_of(r.world, PARENT),
    }  # fmt: skip


def _c9_rule(t: Table) -> Verdict:
    mine = t["anon_vma"]
    best = min(f["vmas"] for f in t.values())
    words = (
        f"merges refused for appends, refills and brk: {each(t, 'plain')}; for the gap between two areas written "
        f"apart: {each(t, 'gap')}; after mremap for "
        f"different anon_vmas: {each(t, 'moved_anon_vma')}, for pgoff: {each(t, 'moved_pgoff')}; for anything else: "
        f"{each(t, 'other')}; "
        f"vmas at the end: {each(t, 'vmas')}, {number(best)} at the least"
    )
    if mine["other"]:
        return Verdict(REFUTED, f"anon_vma refuses for other reasons too: {words}.")
    if mine["plain"]:
        return Verdict(HALF_TRUE, f"Plain mmap and brk are refused too: {words}.")
    return Verdict(HOLDS, sentence(words))


C9 = Claim(
    id="C9", title="only vmas of different anon_vma or pgoff do not merge",
    statement="anon_vma forbids nothing but merging two vmas of different anon_vma or with offsets that do not "
    "continue each other.",
    place=Place((13,), "all it disallows is merging vmas of different anon_vma or different vm_pgoff"),
    columns=columns("anon_vma", "anon_vma:adopt=none", "shared_space", "anonmm", "pte_chain"),
    figures=(
        Figure("plain", "merges", "refused for memory appended, filled again and brk"),
        Figure("vmas_plain", "vmas", "after it"),
        Figure("gap", "merges", "refused where memory fills the gap between two areas that were written apart"),
        Figure("moved_anon_vma", "merges", "refused after mremap since the anon_vmas differ"),
        Figure("moved_pgoff", "merges", "refused after mremap since the offsets do not continue"),
        Figure("other", "merges", "refused by any other rule of the design"),
        Figure("vmas", "vmas", "at the end"),
    ),
    make=_c9_scene, measure=_c9, rule=_c9_rule,
    rule_text="Holds where anon_vma refuses no merge of plain mmap, munmap and brk and none by another rule than "
    "these two; half true where plain ones are "
    "refused; refuted where another rule refuses.",
)  # fmt: skip


# -- C10 ----------------------------------------------------------------------------------------------

ROOM = span(HEAP, 192)
LADDER = span(HEAP + 0x1000, 16)
TRACES, TURNS, SEED = 8, 200, 20040312
A_LITTLE = 1.10
"""Vmas against those of a design whose merging depends on flags alone."""


def _c10_scene() -> Session:
    s = Scene("C10: how much less vmas merge", I386)
    traces = [RandomCalls(s, pid, ROOM, SEED + pid) for pid in range(2, 2 + TRACES)]
    for trace in traces:
        s.spawn(trace.pid, "random")
        trace.go(TURNS, moving=False)
    s.note("Random mmap, munmap, mprotect and writes of eight processes, without mremap.")
    for trace in traces:
        trace.go(TURNS, moving=True)
    s.note("The same with mremap among them.")
    for page in LADDER:
        s.area(PARENT, span(page, 1))
        s.protect(PARENT, span(page, 1), "r")
    s.note("Elsewhere page after page was mapped, written and made read-only.")
    return s.session()


def _c10(r: Replay) -> Figures:
    figures: dict[str, float] = {}
    for note, name in enumerate(("plain", "moved")):
        counted = [
            (vmas_of(r.world, getattr(op, "pid", PARENT)), step["merges_refused"], sum(step.errors.values()))
            for op, step in r.steps(note)
        ]
        vmas, refused, errors = zip(*counted, strict=True)
        figures |= {
            f"vmas_{name}": sum(vmas) / len(vmas),
            f"refused_{name}": sum(refused),
            f"errors_{name}": sum(errors),
        }
    before = len(r.world.vma)
    r.until(2)
    return figures | {"vmas_ladder": len(r.world.vma) - before}


def _c10_rule(t: Table) -> Verdict:
    ideal = t["pte_chain"]

    def ratios(name: str) -> tuple[float, float]:
        return t[name]["vmas_plain"] / ideal["vmas_plain"], t[name]["vmas_moved"] / ideal["vmas_moved"]

    words = "vmas for each that flags alone would leave: " + "; ".join(
        f"{name} {ratios(name)[0]:.2f} without and {ratios(name)[1]:.2f} with mremap"
        for name in t
        if name != "pte_chain"
    )
    errors = (
        f"calls refused with mremap: {each(t, 'errors_moved')}; vmas of {LADDER.pages} pages mapped, written and "
        f"made "
        f"read-only one by one: {each(t, 'vmas_ladder')}"
    )
    plain, moved = ratios("anon_vma")
    if max(plain, moved) <= A_LITTLE:
        return Verdict(HOLDS, sentence(f"{words}; {errors}"))
    if plain <= A_LITTLE:
        return Verdict(ONLY_WHEN, f"nothing is moved: {words}; {errors}.")
    return Verdict(REFUTED, f"It is more than {A_LITTLE - 1:.0%}: {words}; {errors}.")


C10 = Claim(
    id="C10", title="merging becomes a little less likely",
    statement="Treating anonymous vmas like those of files makes merges a little rarer, no more.",
    place=Place((17,), "the merging probability is reduced a little bit"),
    columns=columns("pte_chain", "anonmm", "anon_vma", "anon_vma:adopt=merge", "anon_vma:adopt=none",
    "shared_space", "anon_vma_chain"),
    figures=(
        Figure("vmas_plain", "vmas", "of a process, in the mean of eight random traces without mremap"),
        Figure("refused_plain", "merges", "refused in them"),
        Figure("errors_plain", "calls", "that failed in them"),
        Figure("vmas_moved", "vmas", "in the mean, with mremap"),
        Figure("refused_moved", "merges", "refused then"),
        Figure("errors_moved", "calls", "that failed then, a move across two vmas for example"),
        Figure("vmas_ladder", "vmas", "of sixteen pages that were mapped, written and made read-only one after "
        "another"),
    ),
    make=_c10_scene, measure=_c10, rule=_c10_rule,
    rule_text=f"pte_chain merges by flags alone and is the measure. Holds where anon_vma has at most "
    f"{A_LITTLE - 1:.0%} more vmas with and without mremap; holds only "
    "when ..., where that is so without mremap; refuted where not even then.",
    remark="Not 1.00 without mremap: areas that were written apart have anon_vmas of their own, and the memory that "
    "later fills a gap between them joins one of the two, whether neighbours adopt or not: that helps where flags "
    "differed for a while. "
    "shared_space, which compares offsets alone, is at 1.00.",
)  # fmt: skip


# -- C11 ----------------------------------------------------------------------------------------------

FAMILY, FOREIGN = span(HEAP, 32), span(HEAP + 0x100, 8)
MOVED = span(HEAP + 8, 12)


def _c11_scene() -> Session:
    s = Scene("C11: merging without vm_pgoff", I386)
    s.area(PARENT, FAMILY)
    s.area(PARENT, FOREIGN)
    s.fork(PARENT, CHILD, comm="worker")
    s.note("Two areas, shared with a worker.")
    s.move(CHILD, MOVED, FOREIGN.end)
    s.note("The worker moved twelve pages of one next to the other.")
    s.reclaim()
    return s.session()


def _c11(r: Replay) -> Figures:
    r.until(1)
    w = r.world
    at = MOVED.moved(FOREIGN.end)
    pages = pages_of(w, (PARENT, FAMILY), (PARENT, FOREIGN), (CHILD, FOREIGN), (CHILD, at))
    together = vmas_at(w, CHILD, span(FOREIGN.end - 1, 2))
    figures = {
        "merged": float(together[0] == together[1]),
        "vmas": float(vmas_of(w, CHILD)),
        "missed": float(cost(w, pages).missed),
    }
    return figures | {"unswappable": float(r.until()["pages_unswappable"])}


def _c11_rule(t: Table) -> Verdict:
    off, on = where(t, lambda f: True, "shared_space:pgoff_check=off"), where(t, lambda f: True, "shared_space")
    on = [name for name in on if "pgoff_check=off" not in name]
    words = (
        f"missed without the check: {each(t, 'missed', off)}; with it: {each(t, 'missed', on)}; others: "
        f"{each(t, 'missed', [n for n in t if n not in off + on])}"
    )
    merged = where(t, lambda f: f["merged"] > 0)
    words += f"; the two vmas merged under {listed(merged)}"
    lost = [name for name in off if t[name]["missed"] > 0]
    if lost == off and all(t[name]["missed"] == 0 for name in on):
        safe = [name for name in merged if t[name]["missed"] == 0]
        if any(name.startswith("anonmm") for name in safe):
            return Verdict(
                ONLY_WHEN,
                f"pages are found through vmas: {words}. {listed(safe)} merged them and missed nothing, since they "
                f"look at no vma.",
            )
        return Verdict(HOLDS, sentence(words))
    return Verdict(REFUTED if not lost else HALF_TRUE, sentence(words))


C11 = Claim(
    id="C11", title="merging across offsets breaks anonmm and the tree",
    statement="If a vma that mremap moved may merge with one it did not, vm_pgoff is lost, and with it the pages.",
    place=Place((11,), "merging a vma touched by mremap with one that was not makes anonmm and the tree search fall "
    "apart"),
    columns=columns(
        "shared_space:pgoff_check=off", "shared_space:pgoff_check=off,index=list", "shared_space",
        "shared_space:index=list", "anonmm", "anonmm_ranges", "anon_vma",
    ),
    figures=(
        Figure("merged", "yes or no", "1 where the moved vma and its new neighbour became one"),
        Figure("vmas", "vmas", "of the worker after the move"),
        Figure("missed", "ptes", "missed by the walks after it"),
        Figure("unswappable", "pages", "that reclaim could not unmap"),
    ),
    make=_c11_scene, measure=_c11, rule=_c11_rule,
    rule_text="Holds where the space without the check misses ptes and the one with it none, with a list and a "
    "tree; holds only when ..., where besides a form of "
    "anonmm merged the two and missed none; refuted where nothing is missed without the check.",
)  # fmt: skip

CLAIMS = (C8, C9, C10, C11)

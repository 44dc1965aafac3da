"""Stretches of page numbers that mremap shifted, as arrays of rows (start, end, delta), sorted and never changed in place.

A page that a process has at ``vpn`` is known to the others as ``vpn + delta``; where no row lies the delta is 0. Processes
share one array after a fork, whatever the kernel would have allocated.
"""

from __future__ import annotations

import numpy as np

from rmapexplorer.core.table import Bools, Ints
from rmapexplorer.core.walk import ranges

EMPTY: Ints = np.empty((0, 3), np.int64)
KEY_SHIFT = 40
"""Bits of a page number in a pair (position of a key, page number)."""
PAGE_MASK = (1 << KEY_SHIFT) - 1


def cut(runs: Ints, at: int) -> Ints:
    """Two rows for the one that ``at`` lies inside of."""
    row = int(np.searchsorted(runs[:, 0], at, "left")) - 1
    if row < 0 or at >= runs[row, 1]:
        return runs
    start, end, delta = runs[row].tolist()
    return np.concatenate([runs[:row], [[start, at, delta], [at, end, delta]], runs[row + 1 :]])


def inside(runs: Ints, starts: Ints, ends: Ints) -> Bools:
    """Mask: rows that begin in one of the spans [starts, ends), which ascend."""
    at = np.searchsorted(starts, runs[:, 0], "right") - 1
    mask: Bools = (at >= 0) & (runs[:, 0] < ends[at])
    return mask


def pieces(runs: Ints, start: int, end: int) -> Ints:
    """[start, end) as maximal rows of one delta each, those with delta 0 too."""
    opened = cut(cut(runs, start), end)
    mine = opened[(opened[:, 0] >= start) & (opened[:, 0] < end)]
    low, high = np.r_[start, mine[:, 1]], np.r_[mine[:, 0], end]
    gaps = np.stack([low, high, np.zeros(len(low), np.int64)], axis=1)[high > low]
    rows = np.concatenate([mine, gaps])
    return rows[np.argsort(rows[:, 0])]


def joined(runs: Ints, start: int, end: int) -> Ints:
    """Neighbouring rows of equal delta within the vma [start, end) become one."""
    if len(runs) < 2:
        return runs
    low, high = runs[:-1], runs[1:]
    same = (low[:, 1] == high[:, 0]) & (low[:, 2] == high[:, 2]) & (low[:, 0] >= start) & (high[:, 1] <= end)
    if not same.any():
        return runs
    first, last = np.flatnonzero(np.r_[True, ~same]), np.flatnonzero(np.r_[~same, True])
    return np.stack([runs[first, 0], runs[last, 1], runs[first, 2]], axis=1)


def delta_at(runs: Ints, vpns: Ints) -> Ints:
    """What to add to each page number to get its index."""
    if not len(runs):
        return np.zeros(len(vpns), np.int64)
    at = np.searchsorted(runs[:, 0], vpns, "right") - 1
    return np.where((at >= 0) & (vpns < runs[at, 1]), runs[at, 2], 0)


def images(runs: Ints, index: Ints) -> tuple[Ints, Ints, Bools]:
    """(position in ``index``, page number, through a row) where a process may have pages of these ascending indexes.

    The page number equal to the index comes first, unless it was shifted itself.
    """
    plain = np.flatnonzero(delta_at(runs, index) == 0)
    low = np.searchsorted(index, runs[:, 0] + runs[:, 2])
    high = np.searchsorted(index, runs[:, 1] + runs[:, 2])
    shifted = ranges(low, high)
    vpn = index[shifted] - np.repeat(runs[:, 2], high - low)
    key = np.concatenate([plain, shifted])
    order = np.argsort(key, kind="stable")
    through = np.r_[np.zeros(len(plain), np.bool_), np.ones(len(shifted), np.bool_)]
    return key[order], np.concatenate([index[plain], vpn])[order], through[order]


# -- records of a whole group ------------------------------------------------------------------------


def recorded(records: Ints, start: int, end: int, shift: int) -> Ints:
    """One record more: [start, end) went ``shift`` pages up. Records of equal shift that meet or overlap become one."""
    same = (records[:, 2] == shift) & (records[:, 0] <= end) & (records[:, 1] >= start)
    mine = np.concatenate([records[same], [[start, end, shift]]])
    one = [[mine[:, 0].min(), mine[:, 1].max(), shift]]
    rows = np.concatenate([records[~same], one])
    return rows[np.lexsort((rows[:, 2], rows[:, 0]))]


def closure(records: Ints, index: Ints) -> tuple[Ints, Ints]:
    """(first, page numbers): all that each index can have become or come from, record after record; nearest first.

    Page numbers of index i are at first[i]:first[i + 1], itself the first of them.
    """
    key, vpn = np.arange(len(index)), index
    keys, vpns = [key], [vpn]
    before = here = (key << KEY_SHIFT) + vpn
    while len(here):
        before, here = here, _further(records, before, here)
        keys.append(here >> KEY_SHIFT)
        vpns.append(here & PAGE_MASK)
    all_keys = np.concatenate(keys)
    order = np.argsort(all_keys, kind="stable")  # depth and page number ascend already
    return np.r_[0, np.cumsum(np.bincount(all_keys, minlength=len(index)))], np.concatenate(vpns)[order]


def _further(records: Ints, before: Ints, here: Ints) -> Ints:
    # pairs one step beyond ``here``, ascending; records are followed both ways: what was seen already is no further back
    # than the step before this one
    low = np.concatenate([records[:, 0], records[:, 0] + records[:, 2]])
    high = np.concatenate([records[:, 1], records[:, 1] + records[:, 2]])
    shift = np.concatenate([records[:, 2], -records[:, 2]])
    vpn = here & PAGE_MASK
    order = np.argsort(vpn, kind="stable")
    first, last = np.searchsorted(vpn[order], low), np.searchsorted(vpn[order], high)
    found = np.sort(here[order[ranges(first, last)]] + np.repeat(shift, last - first))
    fresh = np.ones(len(found), np.bool_)
    fresh[1:] = found[1:] != found[:-1]
    fresh &= ~(_among(found, before) | _among(found, here))
    return found[fresh]


def _among(values: Ints, known: Ints) -> Bools:
    # mask: values that are in ``known``, which ascends
    at = np.minimum(np.searchsorted(known, values), max(len(known) - 1, 0))
    mask: Bools = known[at] == values if len(known) else np.zeros(len(values), np.bool_)
    return mask


def components(records: Ints, index: Ints) -> tuple[Ints, Ints]:
    """(page numbers, ascending; component of each): all that records touch and ``index``; records tie pages together."""
    low, shift = records[:, 0], records[:, 2]
    spans = np.concatenate([ranges(low, records[:, 1]), ranges(low + shift, records[:, 1] + shift), index])
    vpns = np.sort(spans)
    vpns = vpns[np.r_[True, vpns[1:] != vpns[:-1]][: len(vpns)]]
    one, other = (np.searchsorted(vpns, ranges(low + by, records[:, 1] + by)) for by in (0, shift))
    label = np.arange(len(vpns))
    while True:
        mine, theirs = label[one], label[other]
        apart = mine != theirs
        if not apart.any():
            return vpns, label
        np.minimum.at(label, np.maximum(mine, theirs)[apart], np.minimum(mine, theirs)[apart])
        while (label[label] != label).any():
            label = label[label]


def ranks(records: Ints, index: Ints, vpn: Ints) -> Ints:
    """The place of each page number in the closure of its index, of which it must be a part; looked for no further."""
    out, away = np.zeros(len(index), np.int64), np.flatnonzero(index != vpn)
    if not len(away):
        return out
    starts, key = np.unique(index[away], return_inverse=True)
    wanted = (key << KEY_SHIFT) + vpn[away]
    passed = np.ones(len(starts), np.int64)
    before = here = (np.arange(len(starts)) << KEY_SHIFT) + starts
    while len(wanted) and len(here):
        before, here = here, _further(records, before, here)
        keys = here >> KEY_SHIFT
        first = np.searchsorted(keys, np.arange(len(starts)))
        got = _among(wanted, here)
        out[away[got]] = (passed - first)[wanted[got] >> KEY_SHIFT] + np.searchsorted(here, wanted[got])
        away, wanted = away[~got], wanted[~got]
        passed += np.bincount(keys, minlength=len(starts))
        asked = np.bincount(wanted >> KEY_SHIFT, minlength=len(starts)) > 0
        before, here = before[asked[before >> KEY_SHIFT]], here[asked[keys]]
    return out

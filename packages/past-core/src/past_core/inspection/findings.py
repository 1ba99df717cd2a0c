"""A whole data set: its cases, their faults, and what is odd about them beside each other."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from past_core.checking import Checked, part_problems, place_doubts, structure_problems
from past_core.dataset import Dataset
from past_core.inspection.cases import Seen, look_at
from past_core.interfaces.context import Progress, silent
from past_core.twins import twin_doubts, twin_problems

__all__ = ["Finding", "Inspection", "inspect"]

ODD = 5.0
"""Robust standard deviations from which a case is told from the others."""
CUT = 0.02
"""Share of a structure outside the region from which it is said."""


@dataclass(frozen=True)
class Finding:
    """One sentence about a data set."""

    fault: bool
    """Whether a run would refuse the data set for it; else it is to be looked at."""
    text: str
    """Names the file, the value and the remedy."""


@dataclass(frozen=True)
class Inspection:
    """What was seen."""

    name: str
    structures: tuple[str, ...]
    cases: tuple[Seen, ...]
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether a run would accept the data set."""
        return not any(one.fault for one in self.findings)


def inspect(dataset: Dataset, progress: Progress = silent) -> Inspection:
    """Read every file once and say everything that is wrong or odd.

    A scan that is target and test at once is read as both; that is no duplicate.
    """
    parts = dataset.parts()
    members = [(part, case) for part, cases in parts.items() for case in cases]
    seen = []
    for done, (part, case) in enumerate(members, start=1):
        seen.append(look_at(case, part, dataset))
        progress(done, len(members), case.id)
    source = [_checked(one, dataset) for one in seen if one.part == "source"]
    twins = [(one.part, one.id, one.image, one.content) for one in seen]
    faults = [
        *part_problems(parts),
        *(text for one in seen for text in one.problems),
        *structure_problems(source, dataset.labels),
        *twin_problems(twins),
    ]
    odd = [
        *place_doubts((one.image, one.doubt) for one in seen),
        *twin_doubts(twins),
        *_cut(seen),
        *_intensities(seen),
        *_sizes(seen),
        *_absent(seen),
    ]
    return Inspection(
        dataset.name,
        dataset.labels.structures,
        tuple(seen),
        (
            *(Finding(fault=True, text=text) for text in dict.fromkeys(faults)),
            *(Finding(fault=False, text=text) for text in odd),
        ),
    )


def _checked(case: Seen, dataset: Dataset) -> Checked:
    """What a run's own check would find of a case."""
    shown = [name for name, size in case.millilitres.items() if size > 0]
    value = dataset.labels.value
    return Checked(
        case.problems,
        tuple(value(name) for name in shown),
        tuple(value(name) for name in shown if case.outside.get(name, 0.0) < 1),
    )


def _cut(cases: Sequence[Seen]) -> Iterator[str]:
    for case in cases:
        for name, share in case.outside.items():
            if share >= CUT:
                yield (
                    f"{case.label}: {100 * share:.0f} % of {name} lies outside the region of "
                    "interest, and no model can find it there. Widen the region (roi)."
                )


def _intensities(cases: Sequence[Seen]) -> Iterator[str]:
    """Scans much darker or brighter than the others of their contrast."""

    def strength(case: Seen) -> float:
        return case.intensity[2] - case.intensity[0] if case.intensity else 0.0

    for one, typical in _odd_ones(cases, strength):
        yield (
            f"{one.image}: intensities reach over {strength(one):.4g} where others of its "
            f"contrast have {typical:.4g}. Intensities are scaled scan by scan, so this alone "
            "does no harm; look whether it is the same contrast."
        )


def _sizes(cases: Sequence[Seen]) -> Iterator[str]:
    """Structures much smaller or larger than in other cases."""
    for name in dict.fromkeys(name for case in cases for name in case.millilitres):

        def size(case: Seen, name: str = name) -> float:
            return case.millilitres.get(name, 0.0)

        for one, typical in _odd_ones(cases, size):
            yield (
                f"{one.label}: {name} has {size(one):.3g} ml where {typical:.3g} are typical. "
                "Look at the label."
            )


def _absent(cases: Sequence[Seen]) -> Iterator[str]:
    for name in dict.fromkeys(name for case in cases for name in case.millilitres):
        without = [c.id for c in cases if c.millilitres and not c.millilitres.get(name)]
        if without:
            more = ", ..." if len(without) > 3 else ""
            yield (
                f"{len(without)} labelled case(s) have no {name} ({', '.join(without[:3])}{more}). "
                "That is allowed; look whether it was forgotten."
            )


def _odd_ones(
    cases: Sequence[Seen], figure: Callable[[Seen], float]
) -> Iterator[tuple[Seen, float]]:
    """Cases whose figure is far from the others' of their contrast, and the median of those.

    On a logarithmic scale, by the median absolute deviation; figures of 0 or less are left out.
    """
    for group in _contrasts(cases):
        known = [(case, math.log(value)) for case in group if (value := figure(case)) > 0]
        if len(known) < 5:
            continue
        middle = median(value for _, value in known)
        deviation = 1.4826 * median(abs(value - middle) for _, value in known)
        for case, value in known:
            # Twice or half as much is no finding, however alike the others are.
            if abs(value - middle) > max(ODD * deviation, math.log(2)):
                yield case, math.exp(middle)


def _contrasts(cases: Iterable[Seen]) -> Iterator[list[Seen]]:
    """Source scans; target scans of each protocol, each file once."""
    groups: dict[tuple[bool, str | None], dict[str, Seen]] = defaultdict(dict)
    for case in cases:
        groups[case.part == "source", case.protocol].setdefault(case.image, case)
    return (list(group.values()) for group in groups.values())

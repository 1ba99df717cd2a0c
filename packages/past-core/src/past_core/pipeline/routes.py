"""Which models serve a scan, also one of a protocol that no model was made for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal, Self

from past_core.case import Case
from past_core.headers import Header, read_header
from past_core.pipeline.protocols import ALL, Kind, ProtocolRule, by_protocol, matrix_of
from past_core.volume import coarsest_axis

__all__ = ["Routes", "rule_for_others"]


@dataclass(frozen=True)
class Routes:
    """Which protocols' models answer for a scan."""

    served: Mapping[str, tuple[float, ...]]
    """Protocols of the training scans, and their looks: logarithms of spacing and matrix."""
    unserved: Literal["nearest", "average"]

    @classmethod
    def of(cls, target: Sequence[Case], rule: ProtocolRule) -> Self:
        """Learn each protocol's median spacing and matrix from the training scans."""
        served = {}
        for protocol, cases in by_protocol(target).items():
            looks = [_looks(read_header(case.image)) for case in cases]
            served[protocol] = tuple(median(numbers) for numbers in zip(*looks, strict=True))
        return cls(served, rule.unserved)

    def of_case(self, case: Case) -> tuple[str, ...]:
        """Protocols whose models answer: one, or several to be averaged."""
        if case.protocol is not None and case.protocol in self.served:
            return (case.protocol,)
        if self.unserved == "average" or len(self.served) == 1:
            return tuple(self.served)
        own = _looks(read_header(case.image))
        return (min(self.served, key=lambda name: math.dist(own, self.served[name])),)


def _looks(header: Header) -> tuple[float, ...]:
    """Spacing and matrix, in the plane (sorted, for orientations differ) and across, as logs."""
    across = coarsest_axis(header.spacing)
    plane = [axis for axis in range(3) if axis != across]
    spacing = [*sorted(header.spacing[axis] for axis in plane), header.spacing[across]]
    matrix = sorted(header.shape[axis] for axis in plane)
    return tuple(math.log(number) for number in (*spacing, *matrix))


def rule_for_others(target: Sequence[Case], rule: ProtocolRule) -> ProtocolRule:
    """How the protocol of a scan is known that is not of the data set.

    A rule by matrix, spacing or file name holds for it too. What the data set or a table says of
    its own scans does not: then in-plane matrices tell, if scans of one matrix are of one
    protocol; else nothing does.

    Parameters
    ----------
    target
        Training scans of the target with their protocols.
    rule
        The rule that gave them.
    """
    if rule.by not in ("data", "column"):
        return rule
    found: dict[tuple[int, ...], set[str]] = {}
    for case in target:
        matrix = matrix_of(read_header(case.image))
        found.setdefault(matrix, set()).add(case.protocol or ALL)
    if any(len(protocols) > 1 for protocols in found.values()):
        return ProtocolRule(by="none", unserved=rule.unserved)
    kinds = tuple(
        Kind(name=protocol, matrix=(matrix[0], matrix[1]))
        for matrix, protocols in found.items()
        for protocol in protocols
        if protocol != ALL
    )
    return ProtocolRule(by="matrix" if kinds else "none", kind=kinds, unserved=rule.unserved)

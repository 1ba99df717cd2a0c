"""Which acquisition protocol a target scan has.

A protocol is the data set's own (crossMoDA: the in-plane matrix), or follows from a rule::

    [protocols]
    by = "name"
    kind = [{ name = "london", pattern = "*_ldn_*" }, { name = "tilburg", pattern = "*_etz_*" }]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from past_core.case import Case
from past_core.config import PluginConfig
from past_core.dataset import Dataset
from past_core.errors import ConfigError, DataError
from past_core.headers import Header, read_header
from past_core.table import read_rows
from past_core.volume import coarsest_axis

__all__ = [
    "ALL",
    "Kind",
    "ProtocolRule",
    "assign_protocols",
    "by_protocol",
    "matrix_of",
    "protocol_of",
    "require_enough",
    "spread",
]

ALL = "all"
"""The one protocol of a data set that tells none apart."""
TOLERANCE = 0.02
"""Relative difference up to which a spacing is the one that a rule names."""


class Kind(PluginConfig):
    """One protocol and the scans that have it."""

    name: str
    """Of the protocol."""
    matrix: tuple[int, int] | None = None
    """For ``by = "matrix"``: voxels along the two axes in the plane of the slices."""
    spacing: tuple[float, float, float] | None = None
    """For ``by = "spacing"``: voxel size in mm along each array axis, to 2 %."""
    pattern: str | None = None
    """For ``by = "name"``: the image's file name, with ``*`` and ``?``."""


class ProtocolRule(PluginConfig):
    """How a target scan's protocol is known."""

    by: Literal["data", "none", "matrix", "spacing", "name", "column"] = "data"
    """The data set's own; none (all scans are of one protocol); or a rule: in-plane matrix,
    spacing, file name, or a column of a table."""
    kind: tuple[Kind, ...] = ()
    """Protocols by name. Without any, matrices and spacings are named by themselves: ``112``,
    ``112x96``, ``0.47x0.47x1.5``."""
    file: Path | None = None
    """For ``by = "column"``: a CSV table, relative to the systems file."""
    case: str = "case"
    """Its column of case ids."""
    column: str = "protocol"
    """Its column of protocols."""
    unserved: Literal["nearest", "average"] = "nearest"
    """What answers for a scan of a protocol that no training scan has: the models of the
    protocol nearest by spacing and matrix, or the average over the models of all protocols."""
    least: int = Field(default=2, ge=2)
    """Target scans that a protocol needs for models of its own."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.by == "column" and self.file is None:
            raise ValueError("by = 'column' needs the table: file = 'infos.csv'")
        if self.by == "name" and not self.kind:
            raise ValueError("by = 'name' needs kinds: kind = [{ name = 'a', pattern = '*_a_*' }]")
        wanted = {"matrix": "matrix", "spacing": "spacing", "name": "pattern"}.get(self.by)
        for one in self.kind:
            if wanted is None or getattr(one, wanted) is None:
                raise ValueError(f"kind '{one.name}' does not say its {wanted} (by = '{self.by}')")
        return self


def assign_protocols(dataset: Dataset, rule: ProtocolRule) -> Dataset:
    """A data set whose target scans, of every part, have the protocols that a rule gives them.

    Training scans always get one; a scan to be segmented that the rule does not know has ``None``.

    Raises
    ------
    DataError
        If target scans have no protocol while others have, or a protocol has too few.
    ConfigError
        If the rule's table cannot be read.
    """
    table = _read_table(rule) if rule.by == "column" else {}
    target, test, validation = (
        [
            replace(case, protocol=table.get(case.id) if table else protocol_of(case, rule))
            for case in part
        ]
        for part in (dataset.target, dataset.test, dataset.validation)
    )
    without = [case for case in target if case.protocol is None]
    if len(without) == len(target):
        target = [replace(case, protocol=ALL) for case in target]
        test, validation = (
            [replace(case, protocol=case.protocol or ALL) for case in part]
            for part in (test, validation)
        )
    elif without:
        raise DataError(
            f"data set {dataset.name}: {len(without)} target scan(s) have no protocol, such as "
            f"{without[0].image}, while others have. Add a kind to [protocols] of the systems "
            "file that they fit, or take them out."
        )
    return replace(dataset, target=tuple(target), test=tuple(test), validation=tuple(validation))


def require_enough(dataset: Dataset, rule: ProtocolRule) -> None:
    """Each protocol has scans enough for models of its own.

    Raises
    ------
    DataError
        Naming protocol, number and remedy.
    """
    for protocol, cases in by_protocol(dataset.target).items():
        if len(cases) < rule.least:
            raise DataError(
                f"data set {dataset.name}: protocol {protocol} has {len(cases)} target scan(s), "
                f"but models of its own need {rule.least}. Add scans, join protocols by "
                "[protocols] in the systems file (by = 'none' for one model of all), or take "
                "these scans out."
            )


def by_protocol(cases: Sequence[Case]) -> dict[str, list[Case]]:
    """Cases by protocol, in the order of their first appearance."""
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(case.protocol or ALL, []).append(case)
    return groups


def spread(cases: Sequence[Case], number: int) -> list[Case]:
    """At most ``number`` cases, evenly drawn from those of each protocol, in their own order."""
    ordered = [case for members in by_protocol(cases).values() for case in members]
    count = min(number, len(ordered))
    drawn = {ordered[(2 * n + 1) * len(ordered) // (2 * count)].id for n in range(count)}
    return [case for case in cases if case.id in drawn]


def protocol_of(case: Case, rule: ProtocolRule) -> str | None:
    """A scan's protocol by its data set or its file; tables of a rule are not looked into."""
    if rule.by == "data":
        return case.protocol
    if rule.by in ("none", "column"):
        return None
    if rule.by == "name":
        name = case.image.name
        return next((one.name for one in rule.kind if fnmatch(name, one.pattern or "")), None)
    header = read_header(case.image)
    return _by_matrix(header, rule) if rule.by == "matrix" else _by_spacing(header, rule)


def matrix_of(header: Header) -> tuple[int, ...]:
    """Voxels along the two axes in the plane of the slices."""
    across = coarsest_axis(header.spacing)
    return tuple(int(n) for axis, n in enumerate(header.shape[:3]) if axis != across)


def _by_matrix(header: Header, rule: ProtocolRule) -> str | None:
    matrix = matrix_of(header)
    if not rule.kind:
        return str(matrix[0]) if matrix[0] == matrix[1] else f"{matrix[0]}x{matrix[1]}"
    return next((one.name for one in rule.kind if one.matrix == matrix), None)


def _by_spacing(header: Header, rule: ProtocolRule) -> str | None:
    if not rule.kind:
        return "x".join(f"{mm:.3g}" for mm in header.spacing)
    for one in rule.kind:
        pairs = zip(one.spacing or (), header.spacing, strict=True)
        if all(abs(named - found) <= TOLERANCE * named for named, found in pairs):
            return one.name
    return None


def _read_table(rule: ProtocolRule) -> dict[str, str]:
    assert rule.file is not None
    try:
        rows = read_rows(rule.file, rule.case, rule.column)
    except DataError as error:
        raise ConfigError(f"{error} Correct file, case or column in [protocols].") from error
    return {row[rule.case]: row[rule.column] for row in rows if row[rule.column]}

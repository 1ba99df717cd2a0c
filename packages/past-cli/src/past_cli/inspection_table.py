"""A data set's cases as one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from past_core.inspection import Inspection, Seen

__all__ = ["inspection_table"]


def inspection_table(seen: Inspection) -> Table:
    """One row a case: grid, protocol, region, intensities and volumes of its labels."""
    table = Table(box=SIMPLE_HEAD, title=seen.name, padding=(0, 1))
    for heading in ("part", "case", "protocol", "voxels", "mm", "axes", "region\nmm"):
        table.add_column(heading, no_wrap=True)
    table.add_column("intensity\n1, 50, 99 %", justify="right", no_wrap=True)
    for name in seen.structures:
        table.add_column(f"{name}\nml", justify="right", no_wrap=True)
    for case in seen.cases:
        table.add_row(*_cells(case, seen.structures))
    return table


def _cells(case: Seen, structures: Iterable[str]) -> list[str]:
    return [
        case.part,
        case.id,
        case.protocol or "",
        "x".join(map(str, case.shape)),
        "x".join(f"{mm:.3g}" for mm in case.spacing),
        case.orientation,
        "x".join(f"{mm:.0f}" for mm in case.region),
        ", ".join(f"{value:.4g}" for value in case.intensity),
        *(f"{case.millilitres[name]:.2f}" if case.millilitres else "" for name in structures),
    ]

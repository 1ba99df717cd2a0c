"""Whether a round's target labels can be learnt from without translated scans beside them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from past_core.case import Domain

__all__ = ["learnt_alone"]

MOST = 0.9
"""Share of the target scans that are drawn whose labels must be so: a few may lack a structure."""


def learnt_alone(cases: Collection[Mapping[str, Any]]) -> bool:
    """Say so of the cases of a ``selection.json``."""
    target = [
        case.get("alone", False)
        for case in cases
        if case["domain"] == Domain.TARGET and case["weight"] > 0
    ]
    return bool(target) and sum(target) >= MOST * len(target)

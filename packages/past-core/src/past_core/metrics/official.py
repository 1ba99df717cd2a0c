"""How challenges score, by name: metrics and their settings.

crossMoDA scores by medpy's ``dc`` and ``assd``, with voxel sizes off the affine's diagonal and
350 mm where nothing is predicted. Both functions changed in 2022: ``assd`` up to medpy 0.4 is the
mean of the two one-way means, from 0.5 that of all distances together; ``dc`` of two empty masks
went from 0 to 1. The challenge of 2021 was scored before that.
"""

from __future__ import annotations

from typing import Any

from past_core.errors import ConfigError

__all__ = ["SCORINGS", "official"]

_ASSD = {"empty": 350.0, "spacing": "diagonal"}
SCORINGS: dict[str, dict[str, dict[str, Any]]] = {
    "crossmoda-medpy0.4": {"dice": {"empty": 0.0}, "assd": {"form": "directed", **_ASSD}},
    "crossmoda-medpy0.5": {"dice": {"empty": 1.0}, "assd": {"form": "pooled", **_ASSD}},
}
"""By name of the scoring the settings of its metrics."""


def official(name: str | None) -> dict[str, dict[str, Any]]:
    """Settings by metric; none where no scoring is named.

    Raises
    ------
    ConfigError
        If no scoring has the name.
    """
    if name is None:
        return {}
    if name not in SCORINGS:
        raise ConfigError(
            f"--scoring {name}: no scoring has this name. There are {', '.join(SCORINGS)}."
        )
    return SCORINGS[name]

"""The strategies that past-selftrain provides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from past_core.plugins import StrategySpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def past_strategies() -> Iterator[StrategySpec]:
    """Top-q."""
    yield StrategySpec(
        name="top-q",
        summary="Keep each class's most confident portion q over the whole set (Algorithm 1).",
        factory="past_selftrain.topq:TopQ",
        config="past_selftrain.topq:TopQConfig",
    )

"""The strategies that past-selftrain provides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from past_core.plugins import StrategySpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def past_strategies() -> Iterator[StrategySpec]:
    """Top-q, CBST, agreement and the mean teacher."""
    yield StrategySpec(
        name="top-q",
        summary="Keep each class's most confident portion q over the whole set (Algorithm 1).",
        factory="past_selftrain.topq:TopQ",
        config="past_selftrain.topq:TopQConfig",
        edges="edges",
    )
    yield StrategySpec(
        name="cbst",
        summary="Classes compete by confidence relative to their own thresholds (Zou et al. 2018).",
        factory="past_selftrain.cbst:CBST",
        config="past_selftrain.cbst:CBSTConfig",
    )
    yield StrategySpec(
        name="agreement",
        summary="Several teachers label; voxels and scans on which they differ count less (FPL+).",
        factory="past_selftrain.agreement:Agreement",
        config="past_selftrain.agreement:AgreementConfig",
        teachers=2,
    )
    yield StrategySpec(
        name="mean-teacher",
        summary="A running mean of the weights labels target patches while the segmenter trains.",
        factory="past_selftrain.mean_teacher.teacher:MeanTeacher",
        config="past_selftrain.mean_teacher.config:MeanTeacherConfig",
        online=True,
    )

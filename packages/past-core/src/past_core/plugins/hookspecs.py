"""The hooks a plugin package may implement.

A package announces a module under the entry-point group ``past``::

    [project.entry-points.past]
    my-package = "my_package.plugin"

and in that module, which must import nothing heavy::

    from past_core.plugins import TranslatorSpec, hookimpl

    @hookimpl
    def past_translators():
        yield TranslatorSpec(
            name="invert",
            summary="Invert the intensities.",
            factory="my_package.invert:Invert",
            config="my_package.invert:InvertConfig",
        )
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from past_core.plugins.specs import (
        DatasetSpec,
        MetricSpec,
        SegmenterSpec,
        StrategySpec,
        TranslatorSpec,
        ValidatorSpec,
    )

__all__ = ["hookimpl"]

hookspec = pluggy.HookspecMarker("past")
hookimpl = pluggy.HookimplMarker("past")
"""Marks a function as the implementation of one of the hooks below."""


@hookspec
def past_datasets() -> Iterable[DatasetSpec]:  # type: ignore[empty-body]
    """Readers of data set layouts, chosen by ``--dataset`` or recognised from the folder."""


@hookspec
def past_translators() -> Iterable[TranslatorSpec]:  # type: ignore[empty-body]
    """Image translators, chosen by ``--translator``."""


@hookspec
def past_segmenters() -> Iterable[SegmenterSpec]:  # type: ignore[empty-body]
    """3D segmenters, chosen by ``--segmenter``."""


@hookspec
def past_strategies() -> Iterable[StrategySpec]:  # type: ignore[empty-body]
    """Pseudo-label strategies, chosen by ``--strategy``."""


@hookspec
def past_metrics() -> Iterable[MetricSpec]:  # type: ignore[empty-body]
    """Metrics, all of which are scored."""


@hookspec
def past_validators() -> Iterable[ValidatorSpec]:  # type: ignore[empty-body]
    """Label-free figures of segmenters, by which a system ``choose``s one of several."""

"""What plugins give is looked at before others go on with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from past_core.errors import DataError
from past_core.interfaces import PseudoLabel
from past_core.labels import Labels
from past_core.volume import Volume

__all__ = ["Plugin", "require_probabilities", "require_selected", "require_translation"]

Plugin = Mapping[str, Any]
"""A plugin in a stage's parameters: kind, name, version, generation, config."""


def require_translation(plugin: Plugin, given: object, source: Volume) -> Volume:
    """A translation must be a volume of numbers on its source's grid.

    Raises
    ------
    DataError
        Naming the plugin and what it gave.
    """
    if not isinstance(given, Volume):
        blame(plugin, f"gave {type(given).__name__}, no Volume")
    require_grid(plugin, given.data.shape, source.shape)
    if not np.isfinite(given.data).all():
        blame(plugin, "gave intensities that are no numbers")
    return given


def require_probabilities(
    plugin: Plugin,
    given: object,
    classes: int,
    shape: tuple[int, ...],
) -> None:
    """Probabilities must be one channel a class, of numbers on the volume's grid.

    Raises
    ------
    DataError
        Naming the plugin and what it gave.
    """
    if not isinstance(given, np.ndarray):
        blame(plugin, f"gave {type(given).__name__}, no array")
    require_grid(plugin, given.shape[1:], shape)
    if len(given) != classes:
        blame(plugin, f"gave {len(given)} channels for {classes} classes")
    if not np.isfinite(given).all():
        blame(plugin, "gave probabilities that are no numbers")


def require_selected(
    plugin: Plugin,
    given: Iterable[PseudoLabel],
    cases: Sequence[str],
    shapes: Iterable[tuple[int, ...]],
    labels: Labels,
) -> Iterator[PseudoLabel]:
    """A strategy's pseudo-labels must be one for each case, in order, and sound.

    Raises
    ------
    DataError
        Naming the plugin, the case and what is wrong.
    """
    left = iter(given)
    for case, shape in zip(cases, shapes, strict=True):
        one = next(left, None)
        if one is None or one.case_id != case:
            blame(plugin, f"gave {'none' if one is None else one.case_id} where case {case} is due")
        _require_label(plugin, one, shape, labels)
        yield one
    if (more := next(left, None)) is not None:
        blame(plugin, f"gave case {more.case_id} once more")


def _require_label(
    plugin: Plugin, one: PseudoLabel, shape: tuple[int, ...], labels: Labels
) -> None:
    """It lies on the prediction's grid; values and weights are in their range."""
    require_grid(plugin, one.label.shape, shape)
    if one.label.min() < 0 or one.label.max() > labels.ignore:
        blame(
            plugin,
            f"gave case {one.case_id} the values {one.label.min()} to {one.label.max()}; classes "
            f"are 0 to {labels.count - 1}, and {labels.ignore} is for what is ignored",
        )
    if one.by_image is not None:
        require_grid(plugin, one.by_image.shape, shape)
        if one.by_image.dtype != bool:
            blame(plugin, f"gave by_image of type {one.by_image.dtype}, not bool")
    sound = one.scan_weight >= 0
    if one.voxel_weights is not None:
        require_grid(plugin, one.voxel_weights.shape, shape)
        low, high = one.voxel_weights.min(), one.voxel_weights.max()
        sound = sound and bool(low >= 0) and bool(high <= 1)
    if not sound:
        blame(
            plugin,
            f"gave case {one.case_id} weights that are negative, above 1 or no numbers",
        )


def require_grid(plugin: Plugin, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    """A plugin's result must lie on its input's grid.

    Raises
    ------
    DataError
        Naming the plugin and both shapes.
    """
    if tuple(shape) != expected:
        blame(plugin, f"gave shape {tuple(shape)} for a volume of shape {expected}")


def blame(plugin: Plugin, what: str) -> NoReturn:
    """Say what a plugin did wrong.

    Raises
    ------
    DataError
        Always.
    """
    raise DataError(
        f"the {plugin['kind']} '{plugin['name']}' of {plugin['version']} {what}. Report this to "
        "its authors."
    )

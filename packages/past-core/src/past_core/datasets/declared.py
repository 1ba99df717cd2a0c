"""A ``dataset.json`` as nnU-Net, the Medical Segmentation Decathlon and MONAI write it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from past_core.datasets.channels import REASON
from past_core.errors import DataError
from past_core.files import exists, read_json
from past_core.labels import Labels
from past_core.problems import shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Declared", "read_declared"]


@dataclass(frozen=True)
class Declared:
    """What such a file says."""

    path: Path
    content: Mapping[str, Any]
    labels: Labels | None
    """Its structures, if it names any."""


def read_declared(path: Path, *, labels: bool = True) -> Declared:
    """Read the file, its structures and its channels.

    ``labels``: whether its structures matter; those of another's choice need not be understood.

    Raises
    ------
    DataError
        If it is no JSON object, has several channels, or structures that are regions, ignored,
        or not numbered 1, 2, ... without gaps.
    """
    if not exists(path):
        raise DataError(f"{path}: no such file. Add it, or name another data set.")
    content = read_json(path, "Correct it there.")
    if not isinstance(content, dict):
        raise DataError(f"{path}: not a JSON object of names and values. Correct it there.")
    channels = content.get("channel_names", content.get("modality"))
    if isinstance(channels, dict | list) and len(channels) > 1:
        names = list(channels.values()) if isinstance(channels, dict) else channels
        raise DataError(
            f"{path}: {len(channels)} channels ({', '.join(map(str, names))}), {REASON}"
        )
    named = content.get("labels")
    return Declared(path, content, _labels(named, path) if labels and named else None)


def _labels(named: Any, path: Path) -> Labels | None:  # noqa: ANN401
    """``{"vs": 1}`` as nnU-Net writes it, or ``{"1": "vs"}`` as the Decathlon does.

    None where background alone is declared, as for scans that nobody has labelled.
    """
    if not isinstance(named, dict):
        raise DataError(
            f'{path}: labels are {shown(named)}, not {{"background": 0, ...}}. Correct it.'
        )
    if all(str(key).isdecimal() for key in named):
        named = {str(name): int(value) for value, name in named.items()}
    for name, value in named.items():
        if name == "ignore":
            raise DataError(
                f"{path}: some voxels are labelled 'ignore' ({value}), but scans must be labelled "
                "wholly. Take the partly labelled ones out, and the entry."
            )
        if not str(value).isdecimal():
            raise DataError(
                f"{path}: structure {name} is {shown(value)}, no single value. PAST has no "
                "regions; declare each value by itself."
            )
    values = {name: int(value) for name, value in named.items()}
    first = min(values, key=lambda name: values[name], default="")
    if first and values[first] == 0:  # some call the background otherwise
        values = {"background" if name == first else name: n for name, n in values.items()}
    return Labels.from_mapping(values, str(path)) if len(values) > 1 else None

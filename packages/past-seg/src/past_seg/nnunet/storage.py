"""Keeps a trained network on disk as safetensors and JSON, which run no code when read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from past_core.disk import native_disk_errors
from past_core.errors import DataError
from past_core.files import atomic_path, file_hash, read_json, write_json
from past_seg.nnunet.folders import Json
from past_seg.nnunet.plan_figures import check_dataset
from past_seg.nnunet.plans import check_plans, configuration_name

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DESCRIPTION", "WEIGHTS", "Saved", "build_network", "read", "unique_weights", "write"]

FORMAT = "past-seg/1"
DESCRIPTION = "segmenter.json"
"""The file that tells all but the weights, and their hash."""
WEIGHTS = "weights.safetensors"
"""The file of the weights."""


@dataclass(frozen=True)
class Saved:
    """What a segmenter is made of."""

    kind: str
    """``nnunet`` or ``resunet``."""
    config: Json
    structures: tuple[str, ...]
    plans: Json
    dataset: Json
    """nnU-Net's ``dataset.json`` without its list of files."""
    weights: dict[str, torch.Tensor]


def write(saved: Saved, folder: Path) -> None:
    """Write ``weights.safetensors``, then ``segmenter.json``, which names its hash."""
    weights = folder / WEIGHTS
    with atomic_path(weights) as temporary, native_disk_errors(weights, SafetensorError):
        save_file(saved.weights, temporary)
    description = {
        "format": FORMAT,
        "kind": saved.kind,
        "structures": list(saved.structures),
        "config": saved.config,
        "dataset": saved.dataset,
        "plans": saved.plans,
        "weights_sha256": file_hash(weights),
    }
    write_json(folder / DESCRIPTION, description)


def read(folder: Path, kind: str) -> Saved:
    """Read what ``write`` wrote.

    Raises
    ------
    DataError
        If a file is missing, damaged, or of another kind of segmenter.
    """
    path, weights_path = folder / DESCRIPTION, folder / WEIGHTS
    for one in (path, weights_path):
        if not one.is_file():
            raise DataError(f"{one}: no such file. {folder} holds no saved {kind}; train one.")
    try:
        found = read_json(path, "Copy the folder again, or train anew.")
        if found["format"] != FORMAT:
            raise DataError(f"{path}: format is {found['format']!r}, expected {FORMAT!r}.")
        if found["kind"] != kind:
            raise DataError(
                f"{path}: holds a '{found['kind']}', expected a '{kind}'. "
                "Choose that segmenter, or another folder."
            )
        check_plans(found["plans"], kind)
        check_dataset(found["dataset"], found["structures"])
        if found["weights_sha256"] != file_hash(weights_path):
            raise DataError(
                f"{weights_path}: not the file that {path.name} was written with (truncated or "
                "replaced). Copy both again, or train anew."
            )
        return Saved(
            kind,
            dict(found["config"]),
            tuple(found["structures"]),
            found["plans"],
            found["dataset"],
            load_file(weights_path),
        )
    except (ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        raise DataError(
            f"{path}: not what a segmenter saves ({type(error).__name__}: {error}). "
            "Copy the folder again, or train anew."
        ) from error


def build_network(saved: Saved, heads: int) -> torch.nn.Module:
    """Build the planned network and fill in the weights.

    Raises
    ------
    DataError
        If the weights are not those of the planned network.
    """
    architecture = saved.plans["configurations"][configuration_name(saved.plans)]["architecture"]
    try:
        network: torch.nn.Module = get_network_from_plans(
            architecture["network_class_name"],
            architecture["arch_kwargs"],
            architecture["_kw_requires_import"],
            1,
            heads,
            allow_init=False,
            deep_supervision=True,
        )
        load_unique(network, saved.weights)
    except (TypeError, ValueError, KeyError, RuntimeError, AssertionError) as error:
        raise DataError(
            f"the saved {saved.kind} cannot be rebuilt: {error}. Copy its folder again, or train "
            "anew."
        ) from error
    return network


def unique_weights(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Weights by name, each once: nnU-Net's decoder holds the encoder a second time."""
    return {
        name: weight.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, weight in network.named_parameters()
    }


def load_unique(network: torch.nn.Module, weights: dict[str, torch.Tensor]) -> None:
    """Copy weights into a network of the same shape.

    Raises
    ------
    ValueError
        If a name or shape differs.
    """
    own = dict(network.named_parameters())
    if set(own) != set(weights):
        odd = sorted(set(own) ^ set(weights))
        raise ValueError(f"{len(odd)} weights do not match, such as {odd[0]}")
    for name, weight in own.items():
        if weight.shape != weights[name].shape:
            raise ValueError(
                f"{name} has shape {tuple(weights[name].shape)}, expected {tuple(weight.shape)}"
            )
    with torch.no_grad():
        for name, weight in own.items():
            weight.copy_(weights[name])

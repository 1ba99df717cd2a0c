"""Keeps convolutions in float32 whose bfloat16 kernel for AMX damages memory in training.

torch 2.15.0 on an x86 processor with AMX: the backward pass of a 3D convolution of stride 1,
kernel 1 x 3 x 3 or 3 x 3 x 3, writes past its buffers or gives gradients that are not numbers
where the input has few slices and these are wide (``docs/speed.md`` maps it). So before a
training in bfloat16 on such a processor every distinct convolution of the planned network is
judged: by what is known of this torch (``known_fault``), else by trying it in another process
(``probe``), else, where that cannot be done, by caution. Those that are not
sound compute in float32, all others in bfloat16. Predictions run forward only, where nothing
is known to be wrong, and stay in bfloat16.
"""

from __future__ import annotations

import copy
import logging
import os
from types import MethodType
from typing import TYPE_CHECKING, Any

import torch

from past_seg.nnunet import probe
from past_seg.nnunet.convolution import Convolution
from past_seg.nnunet.probe import ProbeError
from past_seg.nnunet.verdicts import read_note, remember, remembered, write_note

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

__all__ = ["convolutions", "in_use", "keep_in_float32", "known_fault", "protect"]

log = logging.getLogger(__name__)

SOUND_WIDTH = 40
"""Up to this last axis no convolution was seen to be faulty, at any number of slices."""
SOUND_SLICES = 16
"""With so many slices no convolution was seen to be faulty, on any last axis."""
KNOWN_SLICES = 8
"""Up to so many some convolution on a last axis of 96 was seen to be faulty."""


def in_use() -> bool:
    """Whether torch's bfloat16 convolutions on this CPU use AMX."""
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper()
    allowed = limit in ("", "ALL", "DEFAULT") or "AMX" in limit
    return allowed and bool(torch.cpu.get_capabilities().get("amx_bf16"))


def protect(network: torch.nn.Module, shape: Sequence[int], note: Path) -> None:
    """Let every convolution of the network that is not sound in bfloat16 compute in float32.

    Parameters
    ----------
    network
        A 3D network whose weights are in the memory order that it will train in.
    shape
        Of a batch: ``(batch, channels, i, j, k)``.
    note
        A JSON file for the verdicts. Those that it holds stand, so that a resumed training
        computes as it began; on another machine, or with another torch, all are found anew.
    """
    found = convolutions(network, shape)
    verdicts = _judge(found.values(), read_note(note))
    chosen = [name for name, one in found.items() if verdicts[one]]
    for name in chosen:
        keep_in_float32(network.get_submodule(name))
    write_note(note, verdicts, chosen)
    log.info("%d of %d convolutions in float32, see %s", len(chosen), len(found), note)


def convolutions(network: torch.nn.Module, shape: Sequence[int]) -> dict[str, Convolution]:
    """All 3D convolutions of a network by name, as a batch of this shape meets them."""
    channels_last = any(_is_channels_last(weight) for weight in network.parameters())
    found: dict[str, Convolution] = {}

    def note(name: str) -> Any:  # noqa: ANN401  (torch's hook)
        def hook(layer: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            found[name] = Convolution.of(layer, inputs[0].shape, channels_last)

        return hook

    trial = copy.deepcopy(network).to("meta")
    for name, layer in trial.named_modules():
        if isinstance(layer, torch.nn.Conv3d | torch.nn.ConvTranspose3d):
            layer.register_forward_pre_hook(note(name))
    with torch.no_grad():
        trial(torch.empty(*shape, device="meta"))
    return found


def _is_channels_last(weight: torch.Tensor) -> bool:
    """Whether it is in this order and no other; with one channel both are the same."""
    return (
        weight.ndim == 5
        and weight.is_contiguous(memory_format=torch.channels_last_3d)
        and not weight.is_contiguous()
    )


def known_fault(one: Convolution) -> str:
    """What is known to be wrong with a convolution, without trying it."""
    if (
        torch.__version__.startswith("2.15.")
        and not one.transposed
        and set(one.stride) == {1}
        and max(one.kernel[-2:]) >= 3
        and one.shape[-1] == 96
        and one.shape[1] <= KNOWN_SLICES
    ):
        return "known: torch 2.15 writes past its buffers on a last axis of 96"
    return ""


def keep_in_float32(layer: torch.nn.Module) -> None:
    """Let a layer compute in float32 within autocast; its output is as if it had not.

    So does a copy of it, with the copy's own weights.
    """
    # A bound method, which copy.deepcopy binds to the copy; a closure would stay this layer's.
    layer.forward = MethodType(_forward_in_float32, layer)


def _forward_in_float32(layer: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    plain = type(layer).forward
    if not torch.is_autocast_enabled("cpu"):
        return plain(layer, x)  # type: ignore[no-any-return]
    with torch.autocast("cpu", enabled=False):
        output: torch.Tensor = plain(layer, x.float())
    return output.to(torch.get_autocast_dtype("cpu"))


def _judge(found: Collection[Convolution], noted: dict[Convolution, str]) -> dict[Convolution, str]:
    """Fault of every distinct convolution, or an empty text."""
    verdicts = {one: known_fault(one) or noted.get(one, "") for one in dict.fromkeys(found)}
    known = {*noted, *remembered()}
    open_ = [one for one, fault in verdicts.items() if not fault and one not in known]
    if open_:
        log.info("trying %d convolutions in bfloat16", len(open_))
        try:
            found_now = probe.examine(open_)
            remember([one for one, fault in found_now.items() if not fault])
            verdicts |= found_now
        except ProbeError as error:
            log.warning("convolutions cannot be tried before training: %s", error)
            verdicts |= {one: _caution(one) for one in open_}
    return verdicts


def _caution(one: Convolution) -> str:
    _, slices, _, width = one.shape
    if set(one.stride) == {1} and width > SOUND_WIDTH and slices < SOUND_SLICES:
        return f"untried on {slices} slices with a last axis of {width}"
    return ""

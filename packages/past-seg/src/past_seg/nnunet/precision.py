"""Where a network computes in reduced precision."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import torch

from past_core.device import has_bfloat16

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from past_seg.nnunet.config import NNUNetConfig

__all__ = ["autocast", "in_bfloat16"]


def autocast(config: NNUNetConfig, device: torch.device) -> AbstractContextManager[Any]:
    """Reduced precision for a forward pass, as configured and where it is of use."""
    if device.type == "cuda" and config.precision != "float32":
        return torch.autocast("cuda")
    if device.type == "cpu" and in_bfloat16(config):
        return torch.autocast("cpu", dtype=torch.bfloat16)
    return nullcontext()


def in_bfloat16(config: NNUNetConfig) -> bool:
    """Whether the CPU is to compute in bfloat16."""
    return config.precision == "bfloat16" or (config.precision == "auto" and has_bfloat16("cpu"))

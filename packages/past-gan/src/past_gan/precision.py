"""Number formats of training: float32, or bfloat16 where the processor is made for it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal

import torch

__all__ = ["Precision"]


@dataclass(frozen=True)
class Precision:
    """How a model computes on a device; weights are float32 always."""

    device: str
    bfloat16: bool

    @classmethod
    def choose(cls, setting: Literal["auto", "fp32", "bf16"], device: str) -> Precision:
        """Resolve ``auto``: bfloat16 where it is computed in hardware."""
        if setting == "auto":
            return cls(device, _has_bfloat16(device))
        return cls(device, setting == "bf16")

    def autocast(self) -> AbstractContextManager[object]:
        """Within this context convolutions and linear maps run in the chosen format."""
        if not self.bfloat16:
            return nullcontext()
        return torch.autocast(torch.device(self.device).type, torch.bfloat16)


def _has_bfloat16(device: str) -> bool:
    if device.startswith("cuda"):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # Emulated bfloat16 is slower than float32, so ask for the instructions themselves.
    # torch has no public question for them yet.
    checks = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return any(bool(getattr(torch.cpu, check, bool)()) for check in checks)

"""What decides which kernel computes a 3D convolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Convolution"]


@dataclass(frozen=True)
class Convolution:
    """A 3D convolution, or a transposed one, and the shape of what it is applied to."""

    inputs: int
    outputs: int
    """Channels."""
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    shape: tuple[int, ...]
    """Of the input: batch, then the three axes."""
    bias: bool = True
    transposed: bool = False
    channels_last: bool = True

    @classmethod
    def of(cls, layer: torch.nn.Module, shape: Sequence[int], channels_last: bool) -> Self:
        """Describe a layer and the shape ``(batch, channels, i, j, k)`` of its input."""
        assert isinstance(layer, torch.nn.Conv3d | torch.nn.ConvTranspose3d)
        assert isinstance(layer.padding, tuple)
        return cls(
            layer.in_channels,
            layer.out_channels,
            layer.kernel_size,
            layer.stride,
            layer.padding,
            (shape[0], *shape[2:]),
            layer.bias is not None,
            isinstance(layer, torch.nn.ConvTranspose3d),
            channels_last,
        )

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        """Read back what ``dataclasses.asdict`` and JSON made of one."""
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**fields)

    def layer(self) -> torch.nn.Conv3d | torch.nn.ConvTranspose3d:
        """A layer of this kind, with random weights."""
        kind = torch.nn.ConvTranspose3d if self.transposed else torch.nn.Conv3d
        made: torch.nn.Conv3d | torch.nn.ConvTranspose3d = kind(
            self.inputs,
            self.outputs,
            self.kernel,  # type: ignore[arg-type]
            self.stride,  # type: ignore[arg-type]
            self.padding,  # type: ignore[arg-type]
            bias=self.bias,
        )
        return made.to(memory_format=self._order())

    def input(self) -> torch.Tensor:
        """A random input that bfloat16 holds exactly."""
        batch, *axes = self.shape
        values = torch.randn(batch, self.inputs, *axes).bfloat16().float()
        return values.to(memory_format=self._order())

    def _order(self) -> torch.memory_format:
        return torch.channels_last_3d if self.channels_last else torch.contiguous_format

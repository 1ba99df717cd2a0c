"""Configuration of the segmenters; importing this imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from past_core.config import PluginConfig, parse_config
from past_core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NNUNetConfig", "ResUNetConfig"]

LEARNING_RATE = {"sgd": 1e-2, "adamw": 3e-3}
WEIGHT_DECAY = {"sgd": 3e-5, "adamw": 1e-3}


class NNUNetConfig(PluginConfig):
    """Settings of nnU-Net; the defaults are nnU-Net's own (Isensee et al. 2021)."""

    prediction: ClassVar[frozenset[str]] = frozenset({"mirroring", "tile_step"})
    network: ClassVar[frozenset[str]] = frozenset(
        {
            "base_features",
            "max_features",
            "gpu_memory_gb",
            "patch_voxels",
            "coverage",
            "structure_voxels",
        }
    )

    iterations: int = Field(250_000, ge=1)
    """Training iterations of a fit from random weights (nnU-Net: 1000 epochs of 250)."""
    iterations_per_epoch: int = Field(250, ge=1)
    """Iterations between two checkpoints, and between two steps of the polynomial rate."""
    optimizer: Literal["sgd", "adamw"] = "sgd"
    """``sgd``: Nesterov momentum 0.99 with polynomial decay. ``adamw``: one cycle, which
    learns from a few hundred iterations where SGD needs tens of thousands."""
    learning_rate: float | None = Field(None, gt=0)
    """Peak learning rate; by default 0.01 for ``sgd``, 0.003 for ``adamw``."""
    weight_decay: float | None = Field(None, ge=0)
    """By default 3e-5 for ``sgd``, 1e-3 for ``adamw``."""
    warm_iterations: int | None = Field(None, ge=1)
    """Iterations of a fit that starts from given weights; by default ``iterations``."""
    warm_learning_rate: float | None = Field(None, gt=0)
    """Peak learning rate of such a fit; by default ``learning_rate``."""

    base_features: int = Field(32, ge=1)
    """Feature maps at full resolution; every stage doubles them."""
    max_features: int = Field(320, ge=1)
    """Upper limit of feature maps."""
    gpu_memory_gb: float = Field(8.0, gt=0)
    """Memory that nnU-Net plans the patch size and the batch size for."""
    patch_voxels: int | None = Field(None, ge=512)
    """Plan the largest patch of at most this many voxels, instead of by memory."""
    coverage: float = Field(0.0, ge=0, lt=1)
    """If a patch covers less than this share of a volume, plan coarser voxels until it
    does: nnU-Net's low-resolution configuration, for which it uses 0.25. Beyond 0.25 only as far
    as the narrowest structure stays ``structure_voxels`` wide. 0 keeps full resolution."""
    structure_voxels: float = Field(8.0, gt=0)
    """Least width of the narrowest structure, in voxels along their finest axis, where ``coverage``
    asks for more than 0.25; the width is that of the largest ball within the structure."""
    batch_size: int | None = Field(None, ge=1, le=1024)
    """Patches an iteration; by default as planned."""
    foreground_share: float = Field(0.33, ge=0, le=1)
    """Share of a batch's patches that are centred on a structure."""
    augmentation: Literal["nnunet", "light"] = "nnunet"
    """``light`` leaves out nnU-Net's blurring and its simulated low resolution."""

    random_convolution: float = Field(0.0, ge=0, le=1)
    """Share of training patches that pass a shallow convolution network with random weights, so
    that segmenters learn shape instead of one contrast (GIN, Ouyang et al., TMI 2022)."""
    random_structures: float = Field(0.0, ge=0, le=1)
    """Share of training patches in which each structure, and what is around them, passes a random
    network of its own (SRCSM, Thaler et al. 2025; SLAug, Su et al., AAAI 2023)."""

    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Arithmetic on the CPU; ``auto`` takes bfloat16 where the processor multiplies it
    natively. CUDA uses nnU-Net's mixed precision, unless ``float32``."""
    mirroring: bool = True
    """Average predictions over all mirrored copies: eight times the work in 3D."""
    tile_step: float = Field(0.5, gt=0, le=1)
    """Step of the sliding window, as a fraction of the patch size."""

    @model_validator(mode="after")
    def _check_features(self) -> Self:
        if self.max_features < self.base_features:
            raise ValueError(
                f"max_features ({self.max_features}) must be at least "
                f"base_features ({self.base_features})"
            )
        return self

    @model_validator(mode="after")
    def _check_shares(self) -> Self:
        if (total := self.random_convolution + self.random_structures) > 1:
            raise ValueError(
                f"random_convolution and random_structures are shares of the same patches: they "
                f"sum up to {total:g}, more than 1"
            )
        return self

    def predicting(self, values: Mapping[str, Any]) -> Self:
        """Copy the settings, with other values of those that only predictions depend on.

        Raises
        ------
        ConfigError
            If a key is not one of these, or a value is not allowed.
        """
        if unknown := sorted(set(values) - self.prediction):
            raise ConfigError(
                f"prediction.{', prediction.'.join(unknown)}: does not change predictions alone. "
                f"Known keys: {', '.join(sorted(self.prediction))}."
            )
        return parse_config(type(self), self.model_dump() | dict(values), "prediction")

    def length(self, warm: bool) -> int:
        """As ``total_iterations``."""
        return self.total_iterations(warm)

    def shortened(self, iterations: int) -> Self:
        """The same for so few iterations."""
        few = {"iterations": iterations, "iterations_per_epoch": iterations}
        return self.model_copy(update={**few, "warm_iterations": None})

    def peak_rate(self, warm: bool) -> float:
        """Peak learning rate of a fit from random (or, if ``warm``, given) weights."""
        cold = self.learning_rate or LEARNING_RATE[self.optimizer]
        return (self.warm_learning_rate or cold) if warm else cold

    def total_iterations(self, warm: bool) -> int:
        """Iterations of a fit from random (or, if ``warm``, given) weights."""
        return (self.warm_iterations or self.iterations) if warm else self.iterations

    def decay(self) -> float:
        """Weight decay of the chosen optimizer."""
        return WEIGHT_DECAY[self.optimizer] if self.weight_decay is None else self.weight_decay


class ResUNetConfig(NNUNetConfig):
    """Settings of nnU-Net with a residual encoder; the same keys."""

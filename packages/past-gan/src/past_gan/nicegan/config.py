"""NICE-GAN's settings; the defaults are the publication's. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from past_core.config import PluginConfig

__all__ = ["NiceGANConfig"]

Stages = Annotated[int, Field(ge=0, le=3)]
Beta = Annotated[float, Field(ge=0, lt=1)]


class NiceGANConfig(PluginConfig):
    """Settings of NICE-GAN. Lengths are in pixels of the slices after ``upsample``."""

    channels: int = Field(64, ge=1)
    """Base channels: the encoder has 1x and 2x, the decoder 4x, the heads up to 32x as many."""
    blocks: int = Field(6, ge=0)
    """AdaILN residual blocks of a decoder."""
    decoder: Literal["light", "full"] = "light"
    """Where AdaILN's gamma and beta come from: pooled features (light, any image size) or
    flattened ones (full, tied to slices of ``crop`` pixels; 276 M parameters at 256)."""
    heads: tuple[Stages, ...] = Field((1, 3), min_length=1)
    """Patch heads of a discriminator, each given by its number of stride-2 layers: 0, 1, 2, 3
    see 34, 70, 142, 286 pixels. Published: 70 and 286. Small crops need shallow heads."""
    downsampling: Literal[1, 2] = 2
    """Stride-2 layers of the encoder: features at 1/4 (2, published) or 1/2 resolution (1,
    which keeps structures of few pixels and halves the fields of the heads)."""
    smooth: bool = False
    """Smooth the decoder's sub-pixel convolutions, which else may fill a structure with a
    checkerboard of single pixels. The publication does not."""

    adversarial_weight: float = Field(1.0, ge=0)
    """Weight of the least-squares GAN losses of heads and attention."""
    cycle_weight: float = Field(10.0, ge=0)
    """Weight of the L1 distance after translation there and back."""
    reconstruction_weight: float = Field(10.0, ge=0)
    """Weight of the L1 distance after encoding and decoding within one contrast."""
    identity_weight: float = Field(0.0, ge=0)
    """Weight of the L1 distance when a translator is fed its own output contrast; the
    publication has none, its authors advise it against shifts of intensity."""

    iterations: int = Field(300_000, ge=1)
    """Training steps, each of one discriminator and one generator update."""
    batch_size: int = Field(1, ge=1)
    """Slices of each contrast a step."""
    learning_rate: float = Field(1e-4, gt=0)
    """Adam's rate; it falls linearly to 0 over the second half."""
    betas: tuple[Beta, Beta] = (0.5, 0.999)
    """Adam's decay rates of the first and second moment."""
    weight_decay: float = Field(1e-4, ge=0)
    """L2 penalty inside Adam."""
    ema: float = Field(0.0, ge=0, lt=1)
    """Decay per step of a running mean of the weights, used to translate; 0: the last ones."""

    crop: int = Field(256, ge=12)
    """Side of the square training patches; a step's cost depends on it, not on the images'
    size. Smaller slices are padded by reflection."""
    flip: Literal["none", "left-right", "all"] = "left-right"
    """Mirror half of the patches left to right, if that axis lies in the slice plane
    (published), or along both axes: then no translator can shift the anatomy and undo it
    on the way back, which the cycle loss does not see."""
    resize: float = Field(30 / 256, ge=0, le=1)
    """Slices are enlarged by a random fraction up to this one before the crop."""
    slice_axis: Literal["auto", 0, 1, 2] = "auto"
    """Axis (right, anterior, superior) across the slices; auto: the one of coarsest spacing."""
    upsample: float = Field(1.0, ge=1, le=8)
    """Enlarge slices by this factor before the network and shrink its output back."""

    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Training arithmetic; auto: bf16 where the processor has it. Translation is in fp32."""
    checkpoint_interval: int = Field(1000, ge=1)
    """Steps between checkpoints."""

    @model_validator(mode="after")
    def _crop_fits(self) -> Self:
        factor = 2**self.downsampling
        if self.crop % factor:
            raise ValueError(f"crop must be a multiple of {factor}, the encoder's reduction")
        least = 3 * factor * 2 ** max(self.heads)
        if self.crop < least:
            raise ValueError(
                f"crop {self.crop} leaves no patch for a head of {max(self.heads)} stages: "
                f"use a crop of at least {least}, or shallower heads"
            )
        return self

"""NICE-GAN's settings; the defaults are the publication's. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from past_gan.config import SliceGANConfig

__all__ = ["NiceGANConfig"]

Stages = Annotated[int, Field(ge=0, le=3)]


class NiceGANConfig(SliceGANConfig):
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
    early_identity: float = Field(0.0, ge=0, lt=1)
    """Portion of the iterations in which translations are also held to the images they are
    of, with the cycle's weight (as in the initialisation phase of CartoonGAN, Chen et al.
    2018); published: none. Whether a translator turns dark into bright as a whole, which no
    other loss forbids, is decided by chance in the first steps."""

    r1_weight: float = Field(0.0, ge=0)
    """Weight of R1, the discriminators' squared gradient at real images (Mescheder et al.
    2018); the publication has none."""
    replay: int = Field(0, ge=0)
    """Past translations kept for each discriminator (Shrivastava et al. 2017); published: none."""

    weight_decay: float = Field(1e-4, ge=0)
    """L2 penalty inside Adam."""

    @model_validator(mode="after")
    def _crop_fits(self) -> Self:
        if self.compile and self.r1_weight:
            raise ValueError(
                "r1_weight needs gradients of gradients, which compiled networks do not give: "
                "set compile to false, or r1_weight to 0"
            )
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

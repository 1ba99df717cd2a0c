"""NICE-GAN's settings; the defaults are the publication's. Imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from past_gan.config import SliceGANConfig
from past_gan.sizes import Auto

if TYPE_CHECKING:
    from past_gan.sizes import Sizes

__all__ = ["NiceGANConfig"]

Stages = Annotated[int, Field(ge=0, le=3)]

WHOLE = 0.9
"""What a global head sees of a patch at least."""
LOCAL = 3 / 8
"""The most of a patch that a local head sees. (Published: 70 of 256 pixels.)"""


class NiceGANConfig(SliceGANConfig):
    """Settings of NICE-GAN. Lengths are in pixels of the slices after ``upsample``."""

    channels: int = Field(64, ge=1)
    """Base channels: the encoder has 1x and 2x, the decoder 4x, the heads up to 32x as many."""
    blocks: int = Field(6, ge=0)
    """AdaILN residual blocks of a decoder."""
    decoder: Literal["light", "full"] = "light"
    """Where AdaILN's gamma and beta come from: pooled features (light, any image size) or
    flattened ones (full, tied to slices of ``crop`` pixels; 276 M parameters at 256)."""
    heads: Annotated[tuple[Stages, ...], Field(min_length=1)] | Auto = (1, 3)
    """Patch heads of a discriminator, each given by its number of stride-2 layers: 0, 1, 2, 3
    see 34, 70, 142, 286 pixels. Published: 70 and 286. Small crops need shallow heads. auto: one
    that sees about a third of a patch, and one that sees all of it."""
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
    r1_weight: float = Field(0.0, ge=0)
    """Weight of R1, the discriminators' squared gradient at real images (Mescheder et al.
    2018); the publication has none."""
    replay: int = Field(0, ge=0)
    """Past translations kept for each discriminator (Shrivastava et al. 2017); published: none."""

    weight_decay: float = Field(1e-4, ge=0)
    """L2 penalty inside Adam."""

    def planned_fields(self, sizes: Sizes) -> dict[str, Any]:
        """Heads, if they are ``auto``."""
        if self.heads != "auto":
            return {}
        fields = {stages: _field(stages, sizes.downsampling) for stages in range(4)}
        fitting = [n for n in fields if least_crop(n, sizes.downsampling) <= sizes.crop]
        local = max((n for n in fitting if fields[n] <= LOCAL * sizes.crop), default=0)
        whole = min((n for n in fitting if fields[n] >= WHOLE * sizes.crop), default=fitting[-1])
        return {"heads": tuple(sorted({local, whole}))}

    @model_validator(mode="after")
    def _crop_fits(self) -> Self:
        if self.compile and self.r1_weight:
            raise ValueError(
                "r1_weight needs gradients of gradients, which compiled networks do not give: "
                "set compile to false, or r1_weight to 0"
            )
        if self.decoder == "full" and self.crop == "auto":
            raise ValueError("the full decoder takes one size: set crop to that of the slices")
        if self.crop == "auto" or self.downsampling == "auto":
            return self
        factor = 2**self.downsampling
        if self.crop % factor:
            raise ValueError(f"crop must be a multiple of {factor}, the encoder's reduction")
        if self.heads == "auto":
            return self
        least = least_crop(max(self.heads), self.downsampling)
        if self.crop < least:
            raise ValueError(
                f"crop {self.crop} leaves no patch for a head of {max(self.heads)} stages: "
                f"use a crop of at least {least}, or shallower heads"
            )
        return self


def least_crop(stages: int, downsampling: int) -> int:
    """The smallest patch that a head of so many stride-2 layers takes, in pixels."""
    return 3 << (downsampling + stages)


def _field(stages: int, downsampling: int) -> int:
    """What a head sees, in pixels: 34, 70, 142, 286, or half of that."""
    return ((36 << stages) - 2 << downsampling) // 4

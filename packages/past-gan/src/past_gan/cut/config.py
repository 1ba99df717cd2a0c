"""CUT's settings; the defaults are the publication's. Imports no torch."""

from __future__ import annotations

from pydantic import Field

from past_gan.cyclegan.config import ResidualGANConfig

__all__ = ["CUTConfig"]


class CUTConfig(ResidualGANConfig):
    """Settings of CUT, whose networks are CycleGAN's, for one direction.

    FastCUT is ``nce_weight = 10``, ``identity_weight = 0`` and half the iterations; that it
    also mirrors what its generator is given is left out.
    """

    nce_weight: float = Field(1.0, gt=0)
    """Weight of the patch-wise contrastive loss (PatchNCE) of source patches and their
    translations, against 1 for the least-squares GAN loss; lambda_X of the publication."""
    identity_weight: float = Field(1.0, ge=0)
    """Weight of the same loss of target patches and what the generator makes of them; it
    holds intensities in place. lambda_Y; 0 leaves it out, which makes steps faster. (The
    authors' code halves this weight and ``nce_weight`` where it uses both.)"""
    positions: int = Field(256, ge=2)
    """Random positions of an image that are told apart, in each compared layer; all of them,
    where a layer has fewer."""
    features: int = Field(256, ge=1)
    """Width of the heads that project a layer's features, and of their projections."""
    temperature: float = Field(0.07, gt=0)
    """Divides similarities, which are in [-1, 1]; the lower, the more the closest of the wrong
    positions count."""

    iterations: int = Field(400_000, ge=1)
    """Training steps, each of one discriminator and one generator update. Published: 400
    epochs, so 400 000 steps for 1000 slices."""
    learning_rate: float = Field(2e-4, gt=0)
    """Adam's rate, of the heads too; it falls linearly to 0 over the second half."""

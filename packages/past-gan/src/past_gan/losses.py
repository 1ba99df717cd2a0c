"""Loss terms that translators share: least-squares adversarial, and L1 distances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

__all__ = ["discriminator_loss", "distance", "generator_loss"]


def discriminator_loss(real: Iterable[Tensor], translated: Iterable[Tensor]) -> Tensor:
    """Sum over logits (heads, attention) of ``E[(D(real) - 1)^2] + E[D(translated)^2]``."""
    terms = [(logit - 1).square().mean() for logit in real]
    terms += [logit.square().mean() for logit in translated]
    return torch.stack(terms).sum()


def generator_loss(translated: Iterable[Tensor]) -> Tensor:
    """Sum over logits of ``E[(D(translated) - 1)^2]``."""
    return torch.stack([(logit - 1).square().mean() for logit in translated]).sum()


def distance(image: Tensor, reference: Tensor) -> Tensor:
    """Mean absolute difference, in units of images that span [-1, 1]."""
    return (image - reference).abs().mean()

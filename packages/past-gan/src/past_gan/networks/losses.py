"""Loss terms that translators share: least-squares adversarial, and L1 distances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor

__all__ = ["discriminator_loss", "distance", "generator_loss", "gradient_penalty"]


def discriminator_loss(real: Iterable[Tensor], translated: Iterable[Tensor]) -> Tensor:
    """Least-squares GAN loss of a discriminator (Mao et al., ICCV 2017).

    Sum over its logits, tensors of any shape (those of heads, of an attention), of
    ``E[(D(real) - 1)^2] + E[D(translated)^2]``.
    """
    terms = [(logit - 1).square().mean() for logit in real]
    terms += [logit.square().mean() for logit in translated]
    return torch.stack(terms).sum()


def generator_loss(translated: Iterable[Tensor]) -> Tensor:
    """Least-squares GAN loss of a generator (Mao et al., ICCV 2017).

    Sum over the discriminator's logits of ``E[(D(translated) - 1)^2]``.
    """
    return torch.stack([(logit - 1).square().mean() for logit in translated]).sum()


def distance(image: Tensor, reference: Tensor) -> Tensor:
    """Mean absolute difference of two batches of images of one shape, which span [-1, 1]."""
    return (image - reference).abs().mean()


def gradient_penalty(discriminator: Callable[[Tensor], Iterable[Tensor]], real: Tensor) -> Tensor:
    """R1: half the squared norm of a discriminator's gradient at real images, mean over them.

    It keeps a discriminator from being sharper than the data warrants (Mescheder et al.,
    ICML 2018, eq. 9). ``discriminator`` gives the logits of ``(n, c, h, w)`` images; each
    logit map counts by its mean.
    """
    images = real.detach().requires_grad_()
    maps = discriminator(images)
    score = torch.stack([logits.float().flatten(1).mean(1).sum() for logits in maps]).sum()
    (gradient,) = torch.autograd.grad(score, images, create_graph=True)
    return 0.5 * gradient.float().square().flatten(1).sum(1).mean()

"""The translators that past-gan provides; importing this imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from past_core.plugins import TranslatorSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def past_translators() -> Iterator[TranslatorSpec]:
    """NICE-GAN."""
    yield TranslatorSpec(
        name="nicegan",
        summary="NICE-GAN: the discriminator's first layers are the encoder (Chen et al. 2020).",
        factory="past_gan.nicegan.translator:NiceGAN",
        config="past_gan.nicegan.config:NiceGANConfig",
    )

"""The translators that past-gan provides; importing this imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from past_core.plugins import TranslatorSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def past_translators() -> Iterator[TranslatorSpec]:
    """NICE-GAN, CycleGAN, CUT, and baselines that train nothing."""
    yield TranslatorSpec(
        name="nicegan",
        summary="NICE-GAN: the discriminator's first layers are the encoder (Chen et al. 2020).",
        factory="past_gan.nicegan.translator:NiceGAN",
        config="past_gan.nicegan.config:NiceGANConfig",
        measures=True,
    )
    yield TranslatorSpec(
        name="cyclegan",
        summary="CycleGAN: two generators that undo each other (Zhu et al. 2017).",
        factory="past_gan.cyclegan.translator:CycleGAN",
        config="past_gan.cyclegan.config:CycleGANConfig",
        measures=True,
    )
    yield TranslatorSpec(
        name="cut",
        summary="CUT: one generator, whose patches must stay recognisable (Park et al. 2020).",
        factory="past_gan.cut.translator:CUT",
        config="past_gan.cut.config:CUTConfig",
        measures=True,
    )
    yield TranslatorSpec(
        name="identity",
        summary="No translation: source scans as they are.",
        factory="past_gan.baselines.identity:Identity",
        config="past_gan.baselines.config:IdentityConfig",
    )
    yield TranslatorSpec(
        name="histogram",
        summary="Histogram matching to the target's mean quantiles.",
        factory="past_gan.baselines.histogram:Histogram",
        config="past_gan.baselines.config:HistogramConfig",
    )
    yield TranslatorSpec(
        name="fda",
        summary="Fourier domain adaptation: the target's low-frequency amplitudes.",
        factory="past_gan.baselines.fda:FDA",
        config="past_gan.baselines.config:FDAConfig",
    )

"""Announces the translator; imported whenever plugins are listed, so it stays light."""

from collections.abc import Iterator

from past_core.plugins import TranslatorSpec, hookimpl


@hookimpl
def past_translators() -> Iterator[TranslatorSpec]:
    """One translator."""
    yield TranslatorSpec(
        name="invert",
        summary="Bright becomes dark: 255 - x inside the body.",
        factory="past_invert.invert:Invert",
        config="past_invert.invert:InvertConfig",
    )

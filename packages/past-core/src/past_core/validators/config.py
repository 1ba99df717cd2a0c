"""Settings of the validators."""

from __future__ import annotations

from past_core.config import PluginConfig

__all__ = ["AgreementConfig", "CertaintyConfig", "FlipConfig", "VolumeConfig"]


class AgreementConfig(PluginConfig):
    """Agreement has no settings."""


class FlipConfig(PluginConfig):
    """The flip has no settings."""


class CertaintyConfig(PluginConfig):
    """Certainty has no settings."""


class VolumeConfig(PluginConfig):
    """Plausibility of volumes has no settings."""

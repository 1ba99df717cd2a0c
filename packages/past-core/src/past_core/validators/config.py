"""Settings of the validators."""

from __future__ import annotations

from pydantic import Field

from past_core.config import PluginConfig

__all__ = ["AffineConfig", "NoConfig"]


class NoConfig(PluginConfig):
    """There is nothing to set."""


class AffineConfig(PluginConfig):
    """How far a scan is turned and how much it grows."""

    degrees: float = Field(default=8.0, gt=0, le=45)
    """Turn within the slices, one way and the other."""
    scale: float = Field(default=1.05, gt=0.5, lt=2)
    """Size after the turn one way; its inverse after the other."""

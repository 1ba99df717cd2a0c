"""Settings of the baselines; imports no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from past_core.config import PluginConfig

__all__ = ["FDAConfig", "HistogramConfig", "IdentityConfig"]


class IdentityConfig(PluginConfig):
    """Settings of the identity: there are none."""


class HistogramConfig(PluginConfig):
    """Settings of histogram matching."""

    quantiles: int = Field(1024, ge=2, le=65_536)
    """Points of the target's intensity distribution that are kept."""


class FDAConfig(PluginConfig):
    """Settings of Fourier domain adaptation."""

    beta: float = Field(0.05, gt=0, lt=0.5)
    """Half the side of the exchanged square of low frequencies, as a portion of the
    slices' shorter side; the publication tries 0.01, 0.05 and 0.09."""
    slice_axis: Literal["auto", 0, 1, 2] = "auto"
    """Axis (right, anterior, superior) across the slices; auto: the one of coarsest spacing."""

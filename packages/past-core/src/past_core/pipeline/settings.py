"""Everything a run depends on, validated before it starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from past_core.config import PluginConfig
from past_core.plugins import Registry
from past_core.roi import ROI

__all__ = ["Choice", "CopiesConfig", "PipelineConfig", "RegionConfig", "Settings"]

Fraction = Annotated[float, Field(ge=0, le=1)]


class RegionConfig(PluginConfig):
    """A region of interest, as fractions of the axes of a canonical (RAS+) volume."""

    lower: tuple[Fraction, Fraction, Fraction] = (0.0, 0.0, 0.0)
    """Where the region begins along each axis."""
    upper: tuple[Fraction, Fraction, Fraction] = (1.0, 1.0, 1.0)
    """Where it ends."""

    def as_roi(self) -> ROI:
        """The region as core's ROI, which raises ConfigError if it is empty."""
        return ROI(self.lower, self.upper)


class CopiesConfig(PluginConfig):
    """Copies of the translated scans in which the structures are darker or brighter."""

    number: int = Field(default=0, ge=0, le=20)
    """Copies of every scan, for the segmenters to learn from besides the scan itself."""
    intensity: tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]] = (0.5, 1.0)
    """Least and greatest factor; each structure of each copy draws its own."""

    @field_validator("intensity")
    @classmethod
    def _ordered(cls, intensity: tuple[float, float]) -> tuple[float, float]:
        if intensity[0] > intensity[1]:
            raise ValueError("the least factor comes first")
        return intensity


class PipelineConfig(PluginConfig):
    """Settings of the chain itself."""

    rounds: int = Field(default=2, ge=0, le=20)
    """K, the number of self-training rounds (paper: 2)."""
    source_labels: Literal["replace", "keep"] = "replace"
    """True labels of translated source scans in self-training: replaced by pseudo-labels
    (Algorithm 1, line 7), or kept as they are (COSMOS)."""
    copies: CopiesConfig = CopiesConfig()
    """Copies of translated scans with other intensities of the structures; none by default."""
    roi: RegionConfig | None = None
    """The region to work in; by default the data set's own."""
    clip_percentile: float = Field(default=99.9, gt=50, le=100)
    """Percentile of a scan's region that becomes 255."""


@dataclass(frozen=True)
class Choice:
    """A plugin chosen for the run, with its validated configuration."""

    kind: str
    name: str
    config: PluginConfig
    version: str
    """Name and version of the distribution it comes from: another version is another result."""

    @classmethod
    def of(
        cls, registry: Registry, kind: str, name: str, values: dict[str, Any], where: str
    ) -> Choice:
        """Look the plugin up and validate its configuration."""
        config = registry.config(kind, name, values, where)
        installed = registry.find(kind, name)
        return cls(kind, name, config, f"{installed.distribution} {installed.version}")

    def as_json(self) -> dict[str, Any]:
        """What identifies the choice in a manifest."""
        return {
            "name": self.name,
            "version": self.version,
            "config": self.config.decisive(),
        }


@dataclass(frozen=True)
class Settings:
    """A run, resolved: plugins with their configurations, the chain's settings, seed, device."""

    translator: Choice
    segmenter: Choice
    strategy: Choice | None
    """None: no self-training."""
    metrics: tuple[Choice, ...]
    pipeline: PipelineConfig
    oracle: bool = False
    """Also train on the target's own labels, for the upper bound."""
    seed: int = 0
    device: str = "cpu"

    @property
    def rounds(self) -> int:
        """Self-training rounds that will run."""
        return 0 if self.strategy is None else self.pipeline.rounds

    @property
    def systems(self) -> tuple[str, ...]:
        """The systems that are scored, from source-only to the upper bound."""
        trained = [f"st{k}" for k in range(1, self.rounds + 1)]
        return ("no-da", "translated", *trained, *(["oracle"] if self.oracle else []))

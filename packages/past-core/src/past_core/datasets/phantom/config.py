"""Settings of the phantom."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from past_core.config import PluginConfig

__all__ = ["PhantomConfig"]


class PhantomConfig(PluginConfig):
    """How many subjects, how finely scanned."""

    seed: int = Field(default=1, ge=0)
    """Another seed gives other subjects. The recipes were chosen on those of seed 0."""
    source: int = Field(default=16, ge=2, le=105)
    """Number of labelled ceT1 scans."""
    target: int = Field(default=16, ge=2, le=105)
    """Number of hrT2 scans for training, of other subjects."""
    test: int = Field(default=24, ge=1)
    """Number of hrT2 scans for testing, of other subjects again."""
    validation: int = Field(default=0, ge=0)
    """Number of labelled hrT2 scans to choose settings by, of other subjects again."""
    protocols: Annotated[tuple[Literal["448", "384"], ...], Field(min_length=1)] = ("448", "384")
    """Protocols of the hrT2 scans, taken in turns."""
    matrix: int = Field(default=112, ge=56, le=448, multiple_of=28)
    """In-plane voxels of ceT1 and protocol 448, a multiple of 28; protocol 384 has 6/7 of it."""
    slices: int = Field(default=24, ge=8, le=120)
    """Slices over 60 mm."""
    noise: float = Field(default=0.03, ge=0, le=0.5)
    """Noise in each channel as a portion of the signal of enhancing tumour or CSF."""
    shading: float = Field(default=0.12, ge=0, le=1)
    """Strength of the coil's smooth shading: standard deviation of its logarithm."""

    @field_validator("protocols")
    @classmethod
    def _each_once(cls, protocols: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(protocols)) < len(protocols):
            raise ValueError("a protocol is named twice")
        return protocols

    def matrix_of(self, sequence: str) -> int:
        """In-plane voxels of "ceT1", "448" or "384"."""
        return self.matrix * 6 // 7 if sequence == "384" else self.matrix

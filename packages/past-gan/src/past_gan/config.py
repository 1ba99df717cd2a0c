"""Settings that slice-wise GANs share; imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from past_core.config import PluginConfig, parse_config
from past_core.errors import ConfigError
from past_gan.sizes import Auto, Sizes, plan_batch, plan_crop, plan_downsampling

if TYPE_CHECKING:
    from past_gan.sizes import Slices

__all__ = ["Precision", "QualityConfig", "SegmentationConfig", "SliceGANConfig"]

Beta = Annotated[float, Field(ge=0, lt=1)]
Batch = Annotated[int, Field(ge=1, le=1024)]
Crop = Annotated[int, Field(ge=12)]
Precision = Literal["auto", "float32", "bfloat16"]


class SegmentationConfig(PluginConfig):
    """A 2D segmenter that must find the source labels in the translated patches.

    It is trained beside the translator, and its loss also moves the translator, which
    cannot let a structure vanish (COSMOS, Shin et al. 2022; PAST 2022).
    """

    weight: float = Field(0.0, ge=0)
    """Weight of its loss in the translator's; 0: none. PAST 2022: 100."""
    warm_up: float = Field(0.1, ge=0, lt=1)
    """Portion of the iterations in which the segmenter learns but does not yet move the
    translator."""
    margin: int = Field(0, ge=0)
    """Pixels on both sides of a structure's border that do not count. Else the translator
    may gain by outlining structures, which makes their borders easy to find."""
    channels: int = Field(16, ge=1)
    """Of its first level; each level below has twice as many."""
    levels: int = Field(3, ge=1, le=6)
    """Times that its U-Net halves the resolution; 1, 2, 3 see 9, 19, 39 pixels."""
    learning_rate: float = Field(1e-3, gt=0)
    """Adam's rate; it follows the translator's schedule."""


class QualityConfig(PluginConfig):
    """Label-free figures of the translators that are kept."""

    cases: int = 16
    """Scans of each contrast that they are measured on, 2 or more; 0: no figures."""
    steps: int = Field(300, ge=1)
    """Training steps of the two small segmenters that look for the source labels."""

    @field_validator("cases")
    @classmethod
    def _two_halves(cls, cases: int) -> int:
        if cases < 0 or cases == 1:
            raise ValueError("must be 0, or 2 or more: one half of the scans tests the other")
        return cases


class SliceGANConfig(PluginConfig):
    """Settings of any GAN that translates slice by slice.

    Lengths are in pixels of the slices after ``upsample``.
    """

    incidental: ClassVar[frozenset[str]] = frozenset(
        {"checkpoint_interval", "compile", "processes"}
    )

    iterations: int = Field(300_000, ge=1)
    """Training steps, each of one discriminator and one generator update."""
    batch_size: Batch | Auto = 1
    """Slices of each contrast a step, over all processes; auto: as many as ``effort`` allows."""
    starts: int = Field(1, ge=1, le=20)
    """Trainings that are begun, each from its own seed; the one of best label-free quality goes
    on. What a translator makes dark and what bright is decided by chance in its first steps."""
    start_iterations: int = Field(250, ge=1)
    """Steps of each of several starts."""
    learning_rate: float = Field(1e-4, gt=0)
    """Adam's rate; it falls linearly to 0 over the second half."""
    betas: tuple[Beta, Beta] = (0.5, 0.999)
    """Adam's decay rates of the first and second moment."""
    weight_decay: float = Field(0.0, ge=0)
    """L2 penalty inside Adam."""
    ema: float = Field(0.0, ge=0, lt=1)
    """Decay per step of a running mean of the weights, used to translate (Yazici et al.
    2019); 0: the last ones. Of all weights that translate, for those of an encoder and a
    decoder of different moments may not fit."""
    mind_weight: float = Field(0.0, ge=0)
    """Weight of the distance between an image's and its translation's modality independent
    neighbourhood descriptors (MIND; Yang et al. 2020); 0, as published for all of them: none.
    It holds edges in their places, which the cycle loss does not see."""
    early_identity: float = Field(0.0, ge=0, lt=1)
    """Portion of the iterations in which translations are also held to the images they are
    of by an L1 distance (as in the initialisation phase of CartoonGAN, Chen et al. 2018);
    published for none of them. Whether a translator turns dark into bright as a whole, which no
    other loss forbids, is decided by chance in the first steps. Of several ``starts`` the first
    alone is held so."""
    early_identity_weight: float = Field(10.0, ge=0)
    """Weight of that distance."""
    segmentation: SegmentationConfig = SegmentationConfig()
    """Segmentation-aware translation; off by default."""

    image_slices: Literal[1, 3] = 1
    """Channels of an image: the slice alone, or its neighbours too, whose overlapping
    translations are averaged."""
    effort: int = Field(4096, ge=64)
    """Pixels a step, at the resolution of the residual blocks, that patches of one contrast may
    have together, where their size is ``auto``: a step's time is about proportional. Published:
    one patch of 256 pixels at 1/4 resolution."""
    crop: Crop | Auto = 256
    """Side of the square training patches; a step's cost depends on it, not on the images'
    size. Smaller slices are padded by reflection. auto: as the slices, or as ``effort`` allows."""
    downsampling: Literal[1, 2] | Auto = 2
    """Layers of stride 2 before the residual blocks, which work at 1/4 (2, published) or 1/2
    resolution (1, which keeps structures of few pixels and halves the fields of NICE-GAN's
    heads). auto: 1 if the labels show a structure that is narrower than 8 pixels."""
    flip: Literal["none", "left-right", "all"] = "left-right"
    """Mirror half of the patches left to right, if that axis lies in the slice plane
    (published), or along both axes: then no translator can shift the anatomy and undo it
    on the way back, which the cycle loss does not see."""
    resize: float = Field(30 / 256, ge=0, le=1)
    """Slices are enlarged by a random fraction up to this one before the crop. (Published:
    always by 30/256; translation then sees slices smaller than those of the training.)"""
    foreground: float = Field(0.0, ge=0, le=1)
    """Portion of the source patches that are placed on a labelled structure, each structure
    as often; the others, and all target patches, lie anywhere."""
    slice_axis: Literal["auto", 0, 1, 2] = "auto"
    """Axis (right, anterior, superior) across the slices; auto: the one of coarsest spacing."""
    upsample: float = Field(1.0, ge=1, le=8)
    """Enlarge slices by this factor before the network and shrink its output back."""

    precision: Precision = "auto"
    """Training arithmetic; ``auto`` takes bfloat16 where the processor multiplies it natively.
    Weights and translation are in float32 always."""
    compile: bool = False
    """Compile the networks with ``torch.compile``: faster steps, after minutes of compiling."""
    processes: int = Field(1, ge=1)
    """Processes that share each batch, on as many GPUs from the chosen one on."""
    checkpoint_interval: int = Field(1000, ge=1)
    """Steps between checkpoints."""

    snapshots: int = Field(4, ge=1)
    """Translators to keep, at even distances over the second half of the iterations; of
    several, the one with the best label-free quality is used."""

    quality: QualityConfig = QualityConfig()
    """Label-free figures of every kept translator, and of the baselines beside."""

    def length(self, warm: bool) -> int:  # noqa: ARG002  (translators always begin anew)
        """Training steps, those of all starts included."""
        return self.iterations + (self.starts - 1) * self.start_iterations

    def shortened(self, iterations: int) -> Self:
        """The same for so few steps, without label-free figures."""
        few = {"iterations": iterations, "checkpoint_interval": iterations}
        one = {"snapshots": 1, "starts": 1}
        return self.model_copy(update={**few, **one, "quality": QualityConfig(cases=0)})

    @property
    def sizes(self) -> Sizes:
        """Patches, batch and depth, after ``planned``.

        Raises
        ------
        RuntimeError
            If any of them is still to be planned.
        """
        if "auto" in (self.crop, self.batch_size, self.downsampling):
            raise RuntimeError("sizes are still to be planned from the slices: call planned first")
        return Sizes(int(self.crop), int(self.batch_size), int(self.downsampling))

    def require_suitable(self, shapes: Sequence[tuple[int, int, int]]) -> None:
        """Refuse patches that are more padding than image, whichever way slices are cut."""
        sides = [self.upsample * median(side) for side in zip(*shapes, strict=True)]
        self._require_filled(*sorted(sides)[1:])

    def _require_filled(self, height: float, width: float) -> None:
        most = int(2 * max(height, width))
        if self.crop != "auto" and self.crop > most:
            raise ConfigError(
                f"crop: patches of {self.crop} pixels would be padding for the most part, with "
                f"slices of {height:g} x {width:g}. Set crop = auto, or {most} at most."
            )

    def planned(self, slices: Slices) -> Self:
        """The same with a number for every ``auto``; what is set stays as it is.

        Raises
        ------
        ConfigError
            If patches were set that are more padding than image, or sizes that do not suit the
            planned ones.
        """
        self._require_filled(slices.height, slices.width)
        downsampling = self.downsampling
        if downsampling == "auto":
            downsampling = plan_downsampling(slices)
        crop = self.crop
        if crop == "auto":
            crop = plan_crop(slices, self.effort, downsampling)
        batch_size = self.batch_size
        if batch_size == "auto":
            batch_size = plan_batch(crop, self.effort, downsampling, self.processes)
        sizes = Sizes(crop, batch_size, downsampling)
        values = self.model_dump() | sizes._asdict() | self.planned_fields(sizes)
        return parse_config(type(self), values, "sizes planned from the slices")

    def started(self, number: int) -> Self:
        """Settings of one of several starts: the first as it is, the others free at once."""
        return self.model_copy(update={"early_identity": 0.0}) if number else self

    def planned_fields(self, sizes: Sizes) -> dict[str, Any]:  # noqa: ARG002
        """Further settings that follow from the sizes, where they are ``auto``."""
        return {}

    @model_validator(mode="after")
    def _segmenter_fits(self) -> Self:
        if self.crop == "auto":
            return self
        least = 2**self.segmentation.levels
        if self.segmentation.weight and (self.crop % least or self.crop <= least):
            raise ValueError(
                f"crop {self.crop} does not suit a segmenter of {self.segmentation.levels} levels: "
                f"use a multiple of {least} above it, or fewer levels"
            )
        return self

    @model_validator(mode="after")
    def _starts_are_compared(self) -> Self:
        if self.starts > 1 and not self.quality.cases:
            raise ValueError(
                "several starts are compared by quality: let quality.cases be 2 or more"
            )
        if self.starts > 1 and self.start_iterations >= self.iterations:
            raise ValueError(
                f"start_iterations {self.start_iterations} must be fewer than "
                f"iterations {self.iterations}"
            )
        return self

    @model_validator(mode="after")
    def _processes_divide(self) -> Self:
        if self.batch_size != "auto" and self.batch_size % self.processes:
            raise ValueError(
                f"batch_size {self.batch_size} cannot be shared by {self.processes} processes: "
                "choose a multiple"
            )
        return self

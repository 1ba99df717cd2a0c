"""The plugin's face of every slice-wise GAN: fit, translate, save, load."""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING, Any, ClassVar, Self

from past_core.errors import DataError
from past_core.headers import read_header
from past_core.interfaces import Context, Translator
from past_gan.data.cache import fill_cache, open_cache
from past_gan.data.slices import slice_axis
from past_gan.data.translation import translate_volume
from past_gan.quality.assessment import Assessment
from past_gan.slicewise.choice import choose
from past_gan.slicewise.job import Job, run_job
from past_gan.slicewise.planning import described, measure_slices, write_plan
from past_gan.slicewise.rivals import compare
from past_gan.slicewise.starts import STARTS, begin
from past_gan.training import checkpoint
from past_gan.training.runtime import Runtime, seeded
from past_gan.training.snapshots import FILE, Snapshot, kept_snapshots
from past_gan.training.watch import TrainingError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor, nn

    from past_core.case import Case
    from past_core.config import PluginConfig
    from past_core.labels import Labels
    from past_core.volume import Volume
    from past_gan.gan import GAN
    from past_gan.sizes import Slices

__all__ = ["SliceGAN"]

log = logging.getLogger(__name__)


class SliceGAN(Translator):
    """An unpaired translator of slices, given by the GAN that it trains.

    Abstract: a subclass names its ``gan_class``.
    """

    gan_class: ClassVar[type[GAN]]
    """What is trained; its settings are the plugin's."""

    def __init__(self, config: PluginConfig) -> None:
        self.gan = self.gan_class(config)
        super().__init__(config)
        self.device = "cpu"
        self.axis: int | None = None
        """Across the slices, of (right, anterior, superior); None before training."""
        self._network: nn.Module | None = None
        self._figures: dict[str, Any] = {}
        """As ``choose`` gives them."""

    def fit(
        self, source: Sequence[Case], target: Sequence[Case], labels: Labels, context: Context
    ) -> None:
        """Train on slices, going on from ``context.folder``'s checkpoint if it holds one.

        Cases are canonical, cropped, and in [0, 255]. Sizes that are ``auto`` are planned from
        them. ``context.record`` gets losses, curves, preview panels, the kept translators with
        their label-free figures, and ``plan.json``. Of several kept translators the one of best
        label-free quality is used. Values of label files beyond those of ``labels`` count as
        background.

        Raises
        ------
        DataError
            If an image or a label is unusable, or the checkpoint damaged.
        ConfigError
            If training diverges or collapses before a translator was kept.
        """
        config, cases = self.gan.config, [*source, *target]
        self.device = context.device
        headers = [read_header(case.image) for case in cases]
        self.axis = slice_axis((header.spacing for header in headers), config.slice_axis)
        for case, header in zip(cases, headers, strict=True):
            self.gan.require_size(str(case.image), header.shape, self.axis)
        self._require_labels(source)
        fill_cache(context.folder / "source", source, self.axis, config.upsample, labels)
        self._require_structures(source, context.folder / "source")
        fill_cache(context.folder / "target", target, self.axis, config.upsample)
        slices = self._plan(labels, context.folder)
        job = Job(
            gan=self.gan,
            folder=context.folder,
            cache=context.folder,
            seed=context.seed,
            axis=self.axis,
            structures=labels.structures,
            cases=tuple(tuple(case.id for case in part) for part in (source, target)),
        )
        try:
            going, progress = begin(job, context.device, context.progress)
            run_job(going, context.device, progress)
        except TrainingError as error:
            if not kept_snapshots(context.folder):
                raise
            log.warning("%s Of the translators kept before, the best is used.", error)
        write_plan(context.record, self.gan.config, slices)
        chosen, self._figures = choose(context.folder)
        self._adopt(*checkpoint.read(chosen, self.gan.kind), chosen)
        for name in ("source", "target", STARTS):
            shutil.rmtree(context.folder / name, ignore_errors=name == STARTS)

    def measure(
        self, source: Sequence[Case], target: Sequence[Case], labels: Labels, context: Context
    ) -> None:
        """Compare its figures without target labels with those of translators that train nothing.

        ``context.record`` gets ``quality.json``: ``translators``, by step the figures of those
        that were kept; ``chosen``, the step of this one; ``baselines``, by name their figures;
        and ``beats_baselines``. Nothing, if it was not measured when it was trained.
        """
        if not self._figures.get("translators"):
            return
        (_, axis), config = self._trained(), self.gan.config
        fill_cache(context.folder / "source", source, axis, config.upsample, labels)
        fill_cache(context.folder / "target", target, axis, config.upsample)
        assessment = Assessment.open(
            context.folder, config.quality, labels.structures, context.seed, context.device
        )
        quiet = Context(context.folder, context.seed, context.device)

        def fit(baseline: Translator) -> None:
            baseline.fit(source, target, labels, quiet)

        if assessment is not None:
            compare(self._figures, assessment, fit, context.record / "quality.json", axis=axis)

    def translate(self, volume: Volume) -> Volume:
        """Translate one source volume; see ``Translator.translate``.

        Raises
        ------
        DataError
            If the networks do not take slices of its size.
        """
        network, axis = self._trained()
        self.gan.require_size("the scan", volume.shape, axis)
        return translate_volume(
            volume,
            network,
            axis=axis,
            sides=self.gan.sides(),
            image_slices=self.gan.config.image_slices,
            upsample=self.gan.config.upsample,
            device=self.device,
        )

    def save(self, folder: Path) -> None:
        """Write what translation needs as one file."""
        network, axis = self._trained()
        Snapshot(self.gan.kind, self.gan.config, axis, self._figures).write(folder / FILE, network)

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> Self:
        """Read back what ``save`` wrote; runs no code from the file."""
        path = folder / FILE
        tensors, facts = checkpoint.read(path, cls.gan_class.kind)
        translator = cls(checkpoint.settings_of(path, facts, cls.gan_class.config_class))
        translator.device = device
        translator._adopt(tensors, facts, path)
        translator._figures = facts.get("figures", {})
        return translator

    def _trained(self) -> tuple[nn.Module, int]:
        """The network, and the axis across its slices."""
        if self._network is None or self.axis is None:
            raise RuntimeError("this translator is not trained: call fit or load first")
        return self._network, self.axis

    def _plan(self, labels: Labels, folder: Path) -> Slices:
        """Replace every ``auto`` of the settings by what suits the cached slices."""
        source, target = (open_cache(folder / name) for name in ("source", "target"))
        slices = measure_slices(source, target, labels.count - 1)
        self.gan = self.gan_class(self.gan.config.planned(slices))
        log.info("%s: %s", self.gan.kind, described(self.gan.config, slices))
        return slices

    def _require_labels(self, source: Sequence[Case]) -> None:
        """All scans have labels, if the settings need them."""
        for case in source if self._needing_labels else ():
            if case.label is None:
                raise DataError(
                    f"{case.image}: has no label, but {self._needing_labels} need one of every "
                    "source scan. Set both to 0, or leave such scans out."
                )

    def _require_structures(self, source: Sequence[Case], cache: Path) -> None:
        """Some label shows something, if the settings need it."""
        if not self._needing_labels or any(stack.shows_structures for stack in open_cache(cache)):
            return
        raise DataError(
            f"{source[0].label}: all is background, as in the labels of all {len(source)} "
            f"source scans, but {self._needing_labels} need a structure. Check pipeline.roi and "
            "the labels' values, or set both to 0."
        )

    @property
    def _needing_labels(self) -> str:
        """The settings that labels are needed for, with their values; empty if none is set."""
        weight, foreground = self.gan.config.segmentation.weight, self.gan.config.foreground
        if not weight and not foreground:
            return ""
        return f"segmentation.weight {weight} and foreground {foreground}"

    def _adopt(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any], path: Path) -> None:
        """Translate from now on with a network that was read from a file."""
        if facts.get("axis") not in (0, 1, 2):
            raise DataError(f"{path}: its slice axis is damaged. Train again.")
        with seeded(0):
            network = self.gan.network()
        checkpoint.load_weights(network, tensors, path)
        self.axis = int(facts["axis"])
        self._network = Runtime.single(self.device).place(network).requires_grad_(False).eval()

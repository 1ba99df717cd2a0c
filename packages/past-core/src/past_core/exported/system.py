"""Apply a trained system to scans, as the run that it comes from would."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from past_core.case import Case, Domain
from past_core.checking import volume_problems
from past_core.errors import DataError
from past_core.exported.description import Description
from past_core.intensity import rescale
from past_core.interfaces import Segmenter
from past_core.labels import Labels
from past_core.pipeline.protocols import protocol_of
from past_core.pipeline.routes import Routes
from past_core.pipeline.work.answer import Answers
from past_core.pipeline.work.predicted import Kept
from past_core.plugins import Registry
from past_core.roi import ROI
from past_core.sizes import structure_volumes
from past_core.volume import Volume, as_stored, load_volume, save_volume

__all__ = ["LoadedSystem", "Segmentation"]


class LoadedSystem:
    """A system whose models are loaded when a scan first needs them, and kept.

    ``past_core.load_system`` makes one.

    Parameters
    ----------
    description
        What it is made of.
    folders
        Of each member what its segmenter saved.
    device
        Where to predict: ``cpu``, ``cuda`` or ``cuda:N``.
    registry
        Has the segmenters' plugins.
    """

    def __init__(
        self,
        description: Description,
        folders: Mapping[str, Path],
        device: str,
        registry: Registry,
    ) -> None:
        self.description = description
        self.labels = Labels(description.structures)
        self.roi = ROI.of(description.roi)
        wide = description.scaled_over
        self.scaled_over = None if wide is None else ROI.of(wide)
        served = {name: description.protocols.served[name] for name in description.answers}
        self.routes = Routes(served, description.protocols.rule.unserved)
        self._folders = folders
        self._device = device
        self._registry = registry
        self._segmenters: dict[str, Segmenter] = {}

    def segment(self, image: str | Path, protocol: str | None = None) -> Segmentation:
        """Segment one scan.

        Parameters
        ----------
        image
            A NIfTI file of any orientation and spacing.
        protocol
            Its acquisition protocol; by default the system's own rule tells it.

        Returns
        -------
        Segmentation
            On the scan's own grid.

        Raises
        ------
        DataError
            If the file cannot be read or segmented, or no model knows the protocol.
        """
        path = Path(image)
        whole = load_volume(path)
        case = Case(path.name, Domain.TARGET, path)
        if problems := list(volume_problems(case, whole, None, self.labels)):
            raise DataError("\n".join(problems))
        served = self._served(case, protocol)
        wanted = self._wanted(served)
        over = None if self.scaled_over is None else self.scaled_over.crop(whole)
        percentile = self.description.clip_percentile
        cropped = as_stored(rescale(self.roi.crop(whole), high=percentile, over=over))
        names = {name for many in wanted.values() for name in many}
        found = {name: Kept(self._segmenter(name).predict(cropped)) for name in sorted(names)}
        answers = Answers(wanted, found, self.labels)
        return Segmentation(served, self.roi, cropped, whole.shape, whole.affine, answers)

    def require_protocol(self, name: str) -> None:
        """A protocol that is named by hand must be known.

        Raises
        ------
        DataError
            Naming those there are.
        """
        if name not in self.routes.served:
            raise DataError(
                f"no model of this system is for protocol '{name}'; "
                f"there are {', '.join(self.routes.served)}."
            )

    def _served(self, case: Case, protocol: str | None) -> tuple[str, ...]:
        """Protocols whose models answer for a scan."""
        if protocol is None:
            protocol = protocol_of(case, self.description.protocols.rule)
        else:
            self.require_protocol(protocol)
        return self.routes.of_case(replace(case, protocol=protocol))

    def _wanted(self, served: tuple[str, ...]) -> dict[str, list[str]]:
        """By structure the members whose probabilities are averaged, each once."""
        answers = self.description.answers
        return {
            structure: list(dict.fromkeys(m for p in served for m in answers[p][structure]))
            for structure in self.labels.structures
        }

    def _segmenter(self, name: str) -> Segmenter:
        if name not in self._segmenters:
            member = self.description.members[name]
            factory: type[Segmenter] = self._registry.factory("segmenter", member.plugin.name)
            self._segmenters[name] = factory.load(
                self._folders[name], self._device, dict(member.prediction)
            )
        return self._segmenters[name]


@dataclass(frozen=True)
class Segmentation:
    """What a system makes of one scan."""

    protocols: tuple[str, ...]
    """Whose models answered; several were averaged."""
    roi: ROI
    cropped: Volume
    """The scan as the models saw it."""
    shape: tuple[int, int, int]
    affine: npt.NDArray[np.float64]
    """Of the scan."""
    answers: Answers

    @cached_property
    def labels(self) -> Volume:
        """Label map ``(i, j, k)`` uint8 on the scan's own grid."""
        return self._pasted(self.answers.classes())

    def probabilities(self) -> Volume:
        """Class probabilities ``(c, i, j, k)`` float32 on the scan's own grid.

        Outside the region of interest, background has all.
        """
        return self._pasted(self.answers.probabilities())

    def millilitres(self) -> dict[str, float]:
        """Volume of each structure."""
        found = structure_volumes(self.labels.data, self.labels.spacing, self.answers.labels)
        return {name: size / 1000 for name, size in found.items()}

    def save(self, path: str | Path) -> None:
        """Write the label map as NIfTI, whole or not at all."""
        save_volume(self.labels, Path(path))

    def _pasted(self, data: npt.NDArray[np.generic]) -> Volume:
        return self.roi.paste(Volume(data, self.cropped.affine), self.shape, self.affine)

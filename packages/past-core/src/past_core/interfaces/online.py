"""Online strategies act within a segmenter's training: they teach it from unlabelled scans.

A segmenter draws patches of unlabelled scans in two views of the same place, hands them over with
itself, and adds the loss that it is given to its own of labelled patches. So strategies know
nothing of a segmenter's training, and segmenters nothing of a strategy's teacher. Networks and
tensors are torch's; they are untyped here, since core does without torch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from past_core.case import Case
    from past_core.config import PluginConfig

__all__ = ["OnlineStrategy", "Unlabelled", "Views"]


@dataclass(frozen=True)
class Views:
    """A batch of patches of unlabelled scans, seen twice."""

    weak: Any
    """Tensor ``(n, 1, i, j, k)``: turned, scaled and mirrored, with the scan's own look; of a mean
    near 0 and a standard deviation near 1, as the segmenter normalises scans."""
    strong: Any
    """The same voxels with changed intensities: noise, contrast, random looks."""
    progress: float
    """Portion of the training that is done, from 0 to 1."""


class OnlineStrategy(ABC):
    """Teaches a network from unlabelled scans; constructed with its configuration.

    A segmenter calls ``begin`` once, then ``loss`` and ``after_step`` in every iteration, and
    ``kept`` at the end.
    """

    random_looks: float = 0.0
    """Share of strong views, 0 to 1, whose contrast is random, by segmenters that can do that."""

    def __init__(self, config: PluginConfig) -> None:
        self.config = config

    @abstractmethod
    def begin(self, student: Any, *, warm: bool) -> None:  # noqa: ANN401
        """Prepare for a training.

        Parameters
        ----------
        student
            A ``torch.nn.Module``, from patches ``(n, 1, i, j, k)`` to float32 logits
            ``(n, c, i, j, k)``, on its device, with the weights that the training starts from.
        warm
            Whether those are trained weights, and not random ones.
        """

    @abstractmethod
    def loss(self, student: Any, views: Views) -> Any:  # noqa: ANN401
        """Give what is added to the loss of labelled patches, a scalar tensor with gradients."""

    @abstractmethod
    def after_step(self, student: Any) -> None:  # noqa: ANN401
        """Follow the student's new weights."""

    @abstractmethod
    def kept(self, student: Any) -> Any:  # noqa: ANN401
        """Give the network that the training results in: the student or another like it."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Tensors, numbers and their dictionaries, from which ``restore`` goes on."""

    @abstractmethod
    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state, after ``begin``."""


@dataclass(frozen=True)
class Unlabelled:
    """What a segmenter learns from besides labelled scans."""

    strategy: OnlineStrategy
    cases: Sequence[Case]
    """Without labels; how often each is drawn is its ``weight``."""
    identity: dict[str, Any]
    """Name and settings of the strategy, JSON-able: what the result depends on."""

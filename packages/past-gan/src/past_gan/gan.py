"""A GAN of slices, bound to its settings: which networks it has, and what they take."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from torch import nn

    from past_gan.config import SliceGANConfig
    from past_gan.data.translation import Sides
    from past_gan.training.model import TranslationModel
    from past_gan.training.runtime import Runtime

__all__ = ["GAN"]


class GAN(ABC):
    """What distinguishes one slice-wise GAN from another, as its settings have it.

    It holds no weights, and can be sent to other processes.

    Parameters
    ----------
    config
        An instance of ``config_class``.

    Raises
    ------
    TypeError
        If it is none.
    """

    kind: ClassVar[str]
    """Name of the plugin, written into files."""
    config_class: ClassVar[type[SliceGANConfig]]
    """Of its settings."""

    config: SliceGANConfig
    """Its settings; a subclass narrows the type."""

    def __init__(self, config: object) -> None:
        if not isinstance(config, self.config_class):
            wanted = self.config_class.__name__
            raise TypeError(f"expected a {wanted}, got {type(config).__name__}")
        self.config = config

    @abstractmethod
    def model(self, runtime: Runtime, structures: int = 0, seed: int = 0) -> TranslationModel:
        """All networks and optimisers of a training, new.

        Parameters
        ----------
        runtime
            The process to train in.
        structures
            How many structures the source's labels name, for a segmenter beside.
        seed
            Of random choices during the training. Initial weights are drawn from torch's
            generator.
        """

    @abstractmethod
    def network(self) -> nn.Module:
        """The network that translates, as ``model(...).translating`` is built.

        It maps ``(n, image_slices, h, w)`` in [-1, 1] to the same shape and range.
        """

    @abstractmethod
    def sides(self) -> Sides:
        """Which images ``network()`` takes, in pixels."""

    def require_size(  # noqa: B027  (most take any)
        self, scan: str, shape: tuple[int, ...], axis: int
    ) -> None:
        """Make sure that the networks take a scan's slices.

        Parameters
        ----------
        scan
            Names it in errors.
        shape, axis
            Of the scan in voxels, and the axis across its slices.

        Raises
        ------
        DataError
            If they do not.
        """

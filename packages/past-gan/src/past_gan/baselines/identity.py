"""No translation at all: the segmenter sees source scans as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from past_gan.baselines.baseline import Baseline
from past_gan.baselines.config import IdentityConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt
    from torch import Tensor

    from past_core.case import Case
    from past_core.config import PluginConfig
    from past_core.interfaces import Context
    from past_core.volume import Volume

__all__ = ["Identity"]


class Identity(Baseline):
    """Gives back what it gets. With it, self-training alone has to bridge the gap."""

    kind: ClassVar[str] = "identity"
    config_class: ClassVar[type[PluginConfig]] = IdentityConfig

    def statistics(
        self,
        target: Sequence[Case],  # noqa: ARG002
        context: Context,
    ) -> dict[str, Tensor]:
        """No statistics: there is nothing to know of the target."""
        context.progress(1, 1)
        return {}

    def apply(
        self,
        volume: Volume,
        statistics: dict[str, Tensor],  # noqa: ARG002
    ) -> npt.NDArray[np.floating]:
        """The volume's own values."""
        return volume.data

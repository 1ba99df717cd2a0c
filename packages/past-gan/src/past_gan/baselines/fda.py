"""Fourier domain adaptation (Yang & Soatto, CVPR 2020): exchange low-frequency amplitudes.

Phases, where the anatomy is, stay; the amplitudes of the lowest frequencies, where
brightness and shading are, become the target's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from past_core.headers import read_header
from past_gan.baselines.baseline import Baseline
from past_gan.baselines.config import FDAConfig
from past_gan.data.slices import slice_axis, slices_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from torch import Tensor

    from past_core.case import Case
    from past_core.config import PluginConfig
    from past_core.interfaces import Context
    from past_core.volume import Volume

__all__ = ["FDA"]


class FDA(Baseline):
    """Gives every slice the target's mean low-frequency amplitudes.

    The publication takes those of one random target image a time; their mean keeps the
    translation a function of the scan. Amplitudes are a pixel's mean, which makes them
    comparable between slices of different sizes but like fields of view.
    """

    kind: ClassVar[str] = "fda"
    config_class: ClassVar[type[PluginConfig]] = FDAConfig

    config: FDAConfig

    def statistics(self, target: Sequence[Case], context: Context) -> dict[str, Tensor]:
        """``amplitudes`` ``(2b + 1, 2b + 1)``, frequency 0 in the middle, and ``axis``."""
        headers = [read_header(case.image) for case in target]
        axis = slice_axis((header.spacing for header in headers), self.config.slice_axis)
        shorter = min(
            side for header in headers for n, side in enumerate(header.shape) if n != axis
        )
        reach = int(shorter * self.config.beta)
        total = np.zeros((2 * reach + 1, 2 * reach + 1))
        for done, case in enumerate(target, start=1):
            spectra = _spectra(slices_of(case.load_image(), axis))
            total += np.abs(_lowest(spectra, reach)).mean(axis=0)
            context.progress(done, len(target), case.id)
        return {
            "amplitudes": torch.from_numpy(total / len(target)),
            "axis": torch.tensor(axis),
        }

    def apply(self, volume: Volume, statistics: dict[str, Tensor]) -> npt.NDArray[np.floating]:
        """Give every slice the target's amplitudes of low frequencies; phases stay its own."""
        amplitudes, axis = statistics["amplitudes"].numpy(), int(statistics["axis"])
        stack = slices_of(volume, axis)
        height, width = stack.shape[1:]
        # A smaller slice has no more frequencies than this.
        reach = min(amplitudes.shape[0] // 2, (min(height, width) - 1) // 2)
        spectra = _spectra(stack)
        low = _lowest(spectra, reach)
        low[:] = _lowest(amplitudes[None], reach) * np.exp(1j * np.angle(low))
        moved = np.fft.ifft2(np.fft.ifftshift(spectra, axes=(1, 2)), norm="forward").real
        return np.moveaxis(moved, 0, axis)


def _spectra(stack: npt.NDArray[np.floating]) -> npt.NDArray[np.complexfloating]:
    """Of ``(n, h, w)`` slices, divided by their pixels, frequency 0 in the middle."""
    return np.fft.fftshift(np.fft.fft2(stack, norm="forward"), axes=(1, 2))


def _lowest(spectra: npt.NDArray[Any], reach: int) -> npt.NDArray[Any]:
    """A view of the frequencies up to ``reach`` of ``(n, h, w)`` shifted spectra."""
    row, column = (side // 2 for side in spectra.shape[1:])
    return spectra[:, row - reach : row + reach + 1, column - reach : column + reach + 1]

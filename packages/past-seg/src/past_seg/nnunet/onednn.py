"""3D convolutions of a single patch on a CPU, computed by oneDNN.

Torch gives a float32 convolution of one small item (batch × channels × the first two axes of no
more than 20 480) to its own kernel, which takes three to four times as long as oneDNN's with the
feature maps of a segmenter. Of kernels of one voxel, torch's is the faster one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["OneDNNConvolutions"]


class OneDNNConvolutions(TorchFunctionMode):
    """Within ``with OneDNNConvolutions():`` ``conv3d`` of float32 on a CPU is oneDNN's.

    The result differs from torch's by rounding alone. Everything else is left as it is: other
    devices, other types, autocast, a torch without oneDNN.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401  (whatever the function gives)
        """Run ``func``, by oneDNN if it is a convolution that it can compute."""
        del types
        kwargs = kwargs or {}
        if func is torch.conv3d and not kwargs and _suits(*args):
            image, weight, bias, stride, padding, dilation, groups = args
            return torch.ops.aten.mkldnn_convolution(
                image, weight, bias, padding, stride, dilation, groups
            )
        return func(*args, **kwargs)


def _suits(image: torch.Tensor, *others: Any) -> bool:  # noqa: ANN401  (conv3d's arguments)
    if len(others) != 6 or isinstance(others[3], str):  # not as Conv3d calls it
        return False
    return (
        image.device.type == "cpu"
        and image.dtype == torch.float32
        and max(others[0].shape[2:]) > 1
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and bool(torch.backends.mkldnn.enabled)
        and not torch.is_autocast_enabled("cpu")
    )

"""Where and how a model is trained: device, number format, processes. Over Lightning Fabric.

Networks are not wrapped: a GAN's steps call parts of them in orders that no wrapper for
one forward pass foresees. Processes start from the same seed, see their share of a batch,
and average gradients after each backward pass, which keeps them equal.
"""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import nn

from past_core.device import has_bfloat16
from past_core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

    from torch import Tensor
    from torch.optim import Adam, Optimizer

    from past_gan.config import Precision

__all__ = ["Runtime", "new_fabric", "seeded"]

PATIENCE = timedelta(hours=6)
"""How long processes wait for one that measures a translator."""

# It writes what it chose past every log, straight to the terminal, in every process.
logging.getLogger("lightning_fabric").setLevel(logging.WARNING)

Module = TypeVar("Module", bound=nn.Module)


class Runtime:
    """One process of a training: its device, its arithmetic, its share of each batch.

    Parameters
    ----------
    fabric
        Launched, so that it knows which of its processes this is.
    """

    def __init__(self, fabric: Fabric) -> None:
        self.fabric = fabric
        self.device: torch.device = fabric.device
        self.rank: int = fabric.global_rank
        self.world: int = fabric.world_size
        """How many processes share each batch."""

    @classmethod
    def single(cls, device: str = "cpu", precision: Precision = "float32") -> Runtime:
        """The one process of a training on one device."""
        return cls(new_fabric(device, precision))

    def place(self, module: Module) -> Module:
        """Move a module to the device, weights in the memory order that convolutions prefer."""
        module.to(self.device)
        module.to(memory_format=torch.channels_last)
        return module

    def autocast(self) -> AbstractContextManager[object]:
        """Within this context convolutions and linear maps run in the chosen format."""
        return self.fabric.autocast()

    def adam(
        self,
        module: nn.Module,
        learning_rate: float,
        betas: tuple[float, float],
        weight_decay: float = 0.0,
    ) -> Adam:
        """Adam over a module's parameters, fused: one pass over all weights."""
        return torch.optim.Adam(
            module.parameters(), learning_rate, betas, weight_decay=weight_decay, fused=True
        )

    def update(self, loss: Tensor, *optimizers: Optimizer) -> None:
        """One step of the optimisers down a scalar loss.

        Gradients are those of the loss alone, averaged over the processes.
        """
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        if self.world > 1:
            self._average_gradients(optimizers)
        for optimizer in optimizers:
            optimizer.step()

    def mean(self, values: Tensor) -> Tensor:
        """Mean over the processes of a tensor that each has a value of; the same in all."""
        if self.world == 1:
            return values
        reduced = self.fabric.all_reduce(values.clone(), reduce_op="mean")
        assert isinstance(reduced, torch.Tensor)
        return reduced

    def gather(self, images: Tensor) -> Tensor:
        """The whole batch ``(n, ...)`` of which each process holds a share, in order."""
        if self.world == 1:
            return images
        parts = [torch.empty_like(images) for _ in range(self.world)]
        torch.distributed.all_gather(parts, images)
        return torch.cat(parts)

    def share(self, batch: Tensor) -> Tensor:
        """The part of a whole batch that this process sees; undoes ``gather``."""
        return batch.chunk(self.world)[self.rank]

    def _average_gradients(self, optimizers: Iterable[Optimizer]) -> None:
        """In one message: many small ones would wait for each other."""
        gradients = [
            parameter.grad
            for optimizer in optimizers
            for group in optimizer.param_groups
            for parameter in group["params"]
            if parameter.grad is not None
        ]
        flat = self.mean(torch.cat([gradient.flatten() for gradient in gradients]))
        place = 0
        for gradient in gradients:
            count = gradient.numel()
            gradient.copy_(flat[place : place + count].view(gradient.shape))
            place += count


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within this context torch draws, on the CPU, what follows from ``seed``.

    Its generator is put back afterwards; those of GPUs are not touched.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


def new_fabric(device: str, precision: Precision, processes: int = 1) -> Fabric:
    """Set Fabric up for ``processes`` on devices of the kind of ``device``.

    Precision ``auto`` is bfloat16 where the processor computes it in hardware; weights
    are float32 always.

    Raises
    ------
    ConfigError
        If the machine has too few devices.
    """
    kind, _, number = device.partition(":")
    first = int(number or 0)
    if kind == "cuda" and first + processes > torch.cuda.device_count():
        raise ConfigError(
            f"processes {processes} from {device} on need {first + processes} GPUs, "
            f"found {torch.cuda.device_count()}. Set processes lower, or choose device cpu."
        )
    bfloat16 = precision == "bfloat16" or (precision == "auto" and has_bfloat16(device))
    with warnings.catch_warnings():
        # It advises workers for data loaders, which are not used here.
        warnings.simplefilter("ignore")
        return Fabric(
            accelerator=kind,
            devices=processes if kind == "cpu" else list(range(first, first + processes)),
            strategy=DDPStrategy(start_method="spawn", timeout=PATIENCE)
            if processes > 1
            else "auto",
            precision="bf16-mixed" if bfloat16 else "32-true",
        )

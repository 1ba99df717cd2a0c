"""The NICE-GAN translator: the plugin's face, over the shared loop and slice handling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

import torch
from torch import nn

from past_core.config import parse_config
from past_core.errors import DataError
from past_core.interfaces import Translator
from past_core.volume import read_header
from past_gan import checkpoint
from past_gan.nicegan.config import NiceGANConfig
from past_gan.nicegan.steps import Contrast, NiceGANModel
from past_gan.runtime import Runtime
from past_gan.slices import PatchSampler, mirrored_axes, read_slices, slice_axis
from past_gan.training import Schedule, train
from past_gan.translation import translate_volume

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from past_core.case import Case
    from past_core.config import PluginConfig
    from past_core.interfaces import Context
    from past_core.volume import Volume

__all__ = ["NiceGAN"]

Module = TypeVar("Module", bound=nn.Module)

FILE = "nicegan.safetensors"


class NiceGAN(Translator):
    """Unpaired slice-wise translation by NICE-GAN (Chen et al., CVPR 2020)."""

    config: NiceGANConfig

    def __init__(self, config: PluginConfig) -> None:
        if not isinstance(config, NiceGANConfig):
            raise TypeError(f"expected a NiceGANConfig, got {type(config).__name__}")
        super().__init__(config)
        self.device = "cpu"
        self.axis: int | None = None
        self._encoder: nn.Module | None = None
        self._decoder: nn.Module | None = None

    def fit(self, source: Sequence[Case], target: Sequence[Case], context: Context) -> None:
        """Train, going on from ``context.folder``'s checkpoint if it holds one.

        Cases are canonical, cropped, and in [0, 255]. Labels are not read. The folder
        gets ``checkpoint.safetensors`` and ``losses.csv``.

        Raises
        ------
        DataError
            If an image is unusable, or the checkpoint damaged.
        ConfigError
            If training diverges.
        """
        config = self.config
        cases = [*source, *target]
        self.device = context.device
        self.axis = slice_axis((read_header(c.image).spacing for c in cases), config.slice_axis)
        samplers = [
            PatchSampler(
                read_slices(part, self.axis, config.upsample),
                crop=config.crop,
                batch_size=config.batch_size,
                mirror=mirrored_axes(config.flip, self.axis),
                resize=config.resize,
                seed=context.seed,
                stream=stream,
            )
            for stream, part in enumerate((source, target))
        ]
        model = _new_model(config, context)
        train(
            model,
            samplers,
            Schedule(config.iterations, config.learning_rate, config.checkpoint_interval),
            facts={
                "kind": "nicegan training",
                "config": config.model_dump(mode="json", exclude={"checkpoint_interval"}),
                "seed": context.seed,
                "cases": [[case.id for case in part] for part in (source, target)],
            },
            context=context,
        )
        parts = model.averaged or model.translating
        self._adopt(parts["encoder"], parts["decoder"])

    def translate(self, volume: Volume) -> Volume:
        """Translate one source volume; see ``Translator.translate``.

        Raises
        ------
        DataError
            If the decoder is a full one and a slice is larger than it was trained for.
        """
        if self._encoder is None or self._decoder is None or self.axis is None:
            raise RuntimeError("this translator is not trained: call fit or load first")
        encoder, decoder = self._encoder, self._decoder
        full = self.config.decoder == "full"

        def network(images: Tensor) -> Tensor:
            if full and max(images.shape[2:]) > self.config.crop:
                raise DataError(
                    f"slices of {volume.shape} voxels along axis {self.axis} exceed the full "
                    f"decoder's fixed size of {self.config.crop} pixels: set decoder to light."
                )
            translated: Tensor = decoder(encoder(images).features)
            return translated

        return translate_volume(
            volume,
            network,
            axis=self.axis,
            multiple=2**self.config.downsampling,
            least=self.config.crop if full else 1,
            upsample=self.config.upsample,
            device=self.device,
        )

    def save(self, folder: Path) -> None:
        """Write what translation needs, source encoder and target decoder, as one file."""
        if self._encoder is None or self._decoder is None:
            raise RuntimeError("this translator is not trained: there is nothing to save")
        tensors = {f"encoder.{k}": v for k, v in self._encoder.state_dict().items()}
        tensors |= {f"decoder.{k}": v for k, v in self._decoder.state_dict().items()}
        facts = {
            "kind": "nicegan",
            "config": self.config.model_dump(mode="json"),
            "axis": self.axis,
        }
        checkpoint.write(folder / FILE, tensors, facts)

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> Self:
        """Read back what ``save`` wrote; runs no code from the file."""
        path = folder / FILE
        tensors, facts = checkpoint.read(path, "nicegan")
        if facts.get("axis") not in {0, 1, 2} or not isinstance(facts.get("config"), dict):
            raise DataError(f"{path}: its settings are damaged. Train again.")
        translator = cls(parse_config(NiceGANConfig, facts["config"], where=str(path)))
        translator.device = device
        translator.axis = int(facts["axis"])
        parts = Contrast(translator.config)
        for name, module in (("encoder", parts.encoder), ("decoder", parts.decoder)):
            own = {k.partition(".")[2]: v for k, v in tensors.items() if k.startswith(f"{name}.")}
            checkpoint.load_weights(module, own, path)
        translator._adopt(parts.encoder, parts.decoder)
        return translator

    def _adopt(self, encoder: nn.Module, decoder: nn.Module) -> None:
        self._encoder, self._decoder = (
            _placed(part, self.device).requires_grad_(False).eval() for part in (encoder, decoder)
        )


def _new_model(config: NiceGANConfig, context: Context) -> NiceGANModel:
    """Initial weights are a function of the seed alone."""
    with torch.random.fork_rng():
        torch.manual_seed(context.seed)
        return NiceGANModel(config, Runtime.single(context.device, config.precision))


def _placed(module: Module, device: str) -> Module:
    """On its device, in the memory order that convolutions prefer."""
    module.to(device)
    module.to(memory_format=torch.channels_last)
    return module

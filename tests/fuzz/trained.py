"""Targets of trained things: saved segmenters and translators, checkpoints, prepared cases."""

from __future__ import annotations

import io
import json
import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import torch

from past_core.case import Domain
from past_core.files import file_hash
from past_core.interfaces import Context
from past_core.labels import Labels
from past_core.testing import tiny_cases
from past_core.volume import load_volume
from past_gan.nicegan.config import NiceGANConfig
from past_gan.nicegan.translator import NiceGAN
from past_gan.slicewise.job import Job
from past_gan.training import loop
from past_gan.training.runtime import Runtime, new_fabric
from past_seg.nnunet import checkpoints
from past_seg.nnunet.config import ResUNetConfig
from past_seg.nnunet.fitting import Training
from past_seg.nnunet.prepared import PreparedCases
from past_seg.nnunet.segmenter import ResUNet
from past_seg.nnunet.storage import DESCRIPTION, WEIGHTS
from past_seg.nnunet.trainer import Trainer
from past_seg.nnunet.verdicts import machine, read_note
from tests.fuzz.mutations import KINDS
from tests.fuzz.target import Target
from tests.fuzz.values import mutated

__all__ = ["TARGETS"]


def _pt(content, random, outside):
    """The parts of a checkpoint, altered; weights are left as they are or exchanged whole."""
    state = torch.load(io.BytesIO(content), weights_only=True)
    written = io.BytesIO()
    torch.save(mutated(state, random, outside), written)
    return written.getvalue()


KINDS[".pt"] = _pt

TINY_UNET = {
    "optimizer": "adamw",
    "iterations": 2,
    "iterations_per_epoch": 1,
    "base_features": 4,
    "max_features": 8,
    "patch_voxels": 1024,
    "batch_size": 2,
    "mirroring": False,
    "precision": "float32",
}
TINY_GAN = NiceGANConfig(
    channels=4,
    blocks=1,
    heads=(0, 1),
    crop=24,
    iterations=2,
    batch_size=1,
    checkpoint_interval=1,
    snapshots=1,
    precision="float32",
    quality={"cases": 0},
)
LABELS = Labels(("ball", "shell"))


@cache
def trained():
    """A segmenter and a translator of two steps each, with all that they leave; read only."""
    torch.set_num_threads(1)
    root = Path(mkdtemp(prefix="past-fuzz-trained-"))
    source = tiny_cases(root / "cases", Domain.SOURCE, 2)
    target = tiny_cases(root / "cases", Domain.TARGET, 2, labelled=False)
    segmenter = ResUNet(ResUNetConfig(**TINY_UNET))
    segmenter.fit(source, LABELS, Context(root / "seg", seed=1))
    (root / "segmenter").mkdir()
    segmenter.save(root / "segmenter")
    translator = NiceGAN(TINY_GAN)
    translator.fit(source, target, LABELS, Context(root / "gan", seed=1))
    (root / "translator").mkdir()
    translator.save(root / "translator")
    return root, source, target


def saved(name):
    def make(folder):
        shutil.copytree(trained()[0] / name, folder / name)
        return folder / name

    return make


def seal_segmenter(folder):
    """Let the description have the hash of the weights as they are now."""
    path = folder / DESCRIPTION
    content = json.loads(path.read_text())
    content["weights_sha256"] = file_hash(folder / WEIGHTS)
    path.write_text(json.dumps(content))


def read_segmenter(folder):
    segmenter = ResUNet.load(folder)
    volume = load_volume(trained()[1][0].image)
    segmenter.predict(volume.cut((slice(0, 16), slice(0, 16), slice(0, 8))))


def read_translator(folder):
    translator = NiceGAN.load(folder)
    volume = load_volume(trained()[1][0].image)
    translator.translate(volume.cut((slice(0, 16), slice(0, 16), slice(0, 4))))


def training(folder):
    root, source, _ = trained()
    shutil.copytree(root / "seg", folder / "seg")
    return Training(
        "resunet", ResUNetConfig(**TINY_UNET), source, LABELS, Context(folder / "seg", seed=1)
    )


def read_training(one):
    """Go on with a training that was ended before its last step, in memory alone."""
    one.run(None)


def checkpoint_of_segmenter(folder):
    """The trainer of a training, and the last state that it wrote."""
    one, taken, fit = training(folder), [], Trainer.fit

    def keep(trainer):
        """In place of ``fit``: take it as it is before it looks for a state to go on from."""
        taken.append(trainer)

    Trainer.fit = keep
    try:
        one.run(None)
    finally:
        Trainer.fit = fit
    return taken[0]


def read_checkpoint_of_segmenter(trainer):
    checkpoints.resume(trainer)
    for weight in trainer.network.parameters():
        weight.grad = torch.zeros_like(weight)
    trainer.optimizer.step()


def prepared_cases(folder):
    place, _ = (trained()[0] / "seg/preprocessed").rglob("*.npz")
    shutil.copytree(place.parent, folder / "cases")
    return folder / "cases"


def read_prepared_cases(folder):
    names = PreparedCases.get_identifiers(str(folder))
    for name in names:
        image, label, _, properties = PreparedCases(str(folder)).load_case(name)
        for voxels in properties["class_locations"].values():
            for place in voxels[:3]:
                inside = tuple(slice(max(0, n - 2), n + 2) for n in place[1:])
                assert image[(slice(None), *inside)].shape[1:] == label[(0, *inside)].shape


def checkpoint_of_translator(folder):
    """A model to restore, and the checkpoint of its training."""
    root, source, target = trained()
    shutil.copytree(root / "gan", folder / "gan")
    translator = NiceGAN.load(root / "translator")
    cases = tuple(tuple(case.id for case in part) for part in (source, target))
    job = Job(translator.gan, folder / "gan", folder / "gan", 1, translator.axis, (), cases)
    model = job.gan.model(Runtime(new_fabric("cpu", "float32", 1)), len(LABELS.structures), 1)
    facts = {**job.facts, "config": translator.gan.config.decisive()}
    return model, folder / "gan/checkpoint.safetensors", facts


def read_checkpoint_of_translator(made):
    loop._resume(*made)


def note(folder):
    convolution = {"inputs": 1, "outputs": 2, "kernel": [3, 3, 3], "stride": [1, 1, 1]}
    convolution |= {"padding": [1, 1, 1], "shape": [1, 8, 8, 8], "fault": ""}
    content = {"machine": machine(), "float32": [], "convolutions": [convolution] * 2}
    (folder / "bfloat16.json").write_text(json.dumps(content))
    return folder / "bfloat16.json"


TARGETS = (
    Target(
        "segmenter",
        saved("segmenter"),
        read_segmenter,
        (DESCRIPTION, WEIGHTS),
        True,
        seal_segmenter,
    ),
    Target("training", training, read_training, (".json", ".pt")),
    Target("training state", checkpoint_of_segmenter, read_checkpoint_of_segmenter, (".pt",)),
    Target("prepared cases", prepared_cases, read_prepared_cases, (".npy", ".npz")),
    Target("verdicts", note, read_note, (".json",)),
    Target("translator", saved("translator"), read_translator, (".safetensors",)),
    Target(
        "translator state",
        checkpoint_of_translator,
        read_checkpoint_of_translator,
        ("checkpoint.safetensors",),
    ),
)

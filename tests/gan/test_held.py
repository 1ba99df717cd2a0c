"""Translations that are held to their images while a training begins, whichever GAN it is."""

import pytest
import torch

from past_gan.cut.config import CUTConfig
from past_gan.cut.steps import CUTModel
from past_gan.cyclegan.config import CycleGANConfig
from past_gan.cyclegan.steps import CycleGANModel
from past_gan.nicegan.config import NiceGANConfig
from past_gan.nicegan.steps import NiceGANModel
from past_gan.training.runtime import Runtime
from tests.gan.stepping import SIDE, new_batch

SHARED = {
    "channels": 4,
    "blocks": 1,
    "crop": SIDE,
    "batch_size": 2,
    "iterations": 6,
    "learning_rate": 1e-3,
    "precision": "float32",
}
GANS = {
    "nicegan": (NiceGANModel, NiceGANConfig(heads=(0, 1), **SHARED)),
    "cyclegan": (CycleGANModel, CycleGANConfig(stages=2, **SHARED)),
    "cut": (CUTModel, CUTConfig(stages=2, positions=20, features=8, **SHARED)),
}


@pytest.fixture(params=list(GANS))
def new_model(request):
    made, config = GANS[request.param]

    def new(**changes):
        torch.manual_seed(0)
        return made(config.model_copy(update=changes), Runtime.single("cpu", "float32"))

    return new


def stepped(model, step):
    """Weights of the generators after one step, and its loss terms."""
    losses = model.step(new_batch(step))
    return torch.cat([p.detach().flatten() for p in model.generators.parameters()]), losses


def test_translations_are_held_to_their_images_at_the_start_alone(new_model):
    # Of six iterations the first three.
    for step, moved in ((0, True), (2, True), (3, False)):
        free, without = stepped(new_model(), step)
        held, losses = stepped(new_model(early_identity=0.5), step)
        assert "early_identity" not in without
        assert losses["early_identity"] > 0  # it can be watched to the end
        assert torch.equal(held, free) is not moved


def test_they_are_held_as_strongly_as_was_asked_for(new_model):
    found = [
        stepped(new_model(early_identity=0.5, early_identity_weight=weight), 0)[0]
        for weight in (0.0, 1.0, 10.0)
    ]
    assert torch.equal(found[0], stepped(new_model(), 0)[0])
    assert not torch.equal(found[1], found[2])


def test_the_distance_is_that_of_all_pairs_of_image_and_translation(new_model):
    model = new_model(early_identity=0.5)
    image, made = torch.zeros(2, 1, 4, 4), torch.full((2, 1, 4, 4), 0.25, requires_grad=True)
    terms = {}
    model.hold(terms, 0, (image, made), (image + 1, made))
    assert terms["early_identity"].item() == pytest.approx(0.25 + 0.75)
    terms["early_identity"].backward()
    assert made.grad is not None
    model.hold(terms, 3, (image, made))
    assert not terms["early_identity"].requires_grad

"""The MIND loss: blind to contrast, sharp about place."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from past_gan.networks.mind import mind_descriptor, mind_distance


@pytest.fixture
def anatomy():
    """``(2, 1, 40, 40)`` in [-1, 1]: three grey levels with soft edges and a little noise."""
    random = np.random.default_rng(0)
    noise = ndimage.gaussian_filter(random.standard_normal((2, 40, 40)), (0, 4, 4))
    levels = np.digitize(noise, np.quantile(noise, [0.3, 0.7])) - 1.0
    soft = ndimage.gaussian_filter(levels, (0, 0.6, 0.6)) * 0.8
    return torch.from_numpy(soft + random.normal(0, 0.02, soft.shape))[:, None].float()


def test_the_same_anatomy_in_another_contrast_is_nearer_than_a_shifted_one(anatomy):
    inverted = mind_distance(anatomy, -anatomy)
    weaker = mind_distance(anatomy, 0.5 * anatomy + 0.3)
    shifted = mind_distance(anatomy, anatomy.roll(1, 2))
    other = mind_distance(anatomy, anatomy.flip(0))
    assert inverted < 0.1 * shifted
    assert weaker < 0.3 * shifted
    assert shifted < other


def test_a_structure_that_grew_by_a_pixel_is_seen(anatomy):
    grown = torch.nn.functional.max_pool2d(anatomy, 3, stride=1, padding=1)
    assert mind_distance(anatomy, grown) > 5 * mind_distance(anatomy, -anatomy)


def test_the_descriptor_keeps_the_size_and_is_greatest_in_one_direction(anatomy):
    found = mind_descriptor(anatomy)
    assert found.shape == (2, 8, 40, 40)
    assert found.min() >= 0
    assert torch.equal(found.amax(1), torch.ones(2, 40, 40))
    wide = mind_descriptor(anatomy.expand(-1, 3, -1, -1))
    assert wide.shape == (2, 24, 40, 40)


def test_its_gradient_moves_edges_back_into_place(anatomy):
    moved = anatomy.roll(1, 2).clone().requires_grad_()
    optimizer = torch.optim.Adam([moved], 0.05)
    start = mind_distance(anatomy, moved).item()
    for _ in range(60):
        optimizer.zero_grad()
        loss = mind_distance(anatomy, moved)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.5 * start
    assert torch.isfinite(moved).all()


def test_flat_images_give_finite_gradients():
    flat = torch.zeros(1, 1, 8, 8, requires_grad=True)
    mind_distance(flat, torch.rand(1, 1, 8, 8)).backward()
    assert torch.isfinite(flat.grad).all()

"""Past translations for discriminators: what is kept, and what is given back."""

import numpy as np
import pytest
import torch

from past_core.errors import DataError
from past_gan.networks.pool import ImagePool


def numbered(*values):
    return torch.tensor(values, dtype=torch.float32).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)


def values(images):
    return [image.mean().item() for image in images]


def test_pool_fills_first_and_gives_each_image_back():
    pool = ImagePool(3)
    assert values(pool.exchange(numbered(1, 2), 0)) == [1, 2]
    assert values(pool.exchange(numbered(3), 1)) == [3]
    assert values(pool.images) == [1, 2, 3]


def test_full_pool_exchanges_half_of_the_images_with_stored_ones_evenly():
    pool = ImagePool(4)
    given, got, places = [], [], []
    for step in range(1000):
        images = numbered(2 * step, 2 * step + 1)
        before = values(pool.images)
        back = values(pool.exchange(images, step))
        given += values(images)
        got += back
        places += [before.index(v) for v in back if v in before]
    first, rest = got[:4], zip(got[4:], given[4:], strict=True)
    assert first == given[:4]
    assert np.mean([a == b for a, b in rest]) == pytest.approx(0.5, abs=0.05)
    assert np.bincount(places, minlength=4) / len(places) == pytest.approx([0.25] * 4, abs=0.05)
    # An exchange takes an image out: after the first fill nothing is seen twice or lost.
    assert sorted(got[4:] + values(pool.images)) == sorted(first + given[4:])


def test_pool_choices_depend_on_seed_stream_and_step_alone():
    def run(seed=0, stream=0, first=0):
        pool = ImagePool(2, seed, stream)
        return [
            v
            for step in range(20)
            for v in values(pool.exchange(numbered(2 * step, 2 * step + 1), first + step))
        ]

    assert run() == run()
    assert len({tuple(one) for one in (run(), run(seed=1), run(stream=1), run(first=1))}) == 4


def test_pool_of_size_zero_keeps_nothing():
    pool = ImagePool(0)
    images = numbered(1, 2)
    assert torch.equal(pool.exchange(images, 0), images)
    assert pool.tensors() == {}


@pytest.mark.parametrize("stored", [0, 2, 5])
def test_restored_pool_goes_on_alike(tmp_path, stored):
    pool, resumed = ImagePool(3), ImagePool(3)
    for step in range(stored):
        pool.exchange(numbered(step), step)
    resumed.images = list(numbered(99))
    resumed.restore(pool.tensors(), tmp_path)
    for step in range(stored, stored + 20):
        ours, theirs = (p.exchange(numbered(step), step) for p in (pool, resumed))
        assert torch.equal(ours, theirs)


def test_stored_images_do_not_change_with_what_was_given():
    pool = ImagePool(1)
    images = torch.ones(1, 1, 2, 2)
    pool.exchange(images, 0)
    images.zero_()
    assert values(pool.images) == [1]


def test_too_many_stored_images_are_an_error_that_names_the_file(tmp_path):
    with pytest.raises(DataError, match=r"lost\.safetensors: holds a pool of 3 images"):
        ImagePool(2).restore({"images": numbered(1, 2, 3)}, tmp_path / "lost.safetensors")

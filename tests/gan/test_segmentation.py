"""The segmenter that guides a translator: its loss, and which pixels count."""

import torch
from monai.losses import DiceCELoss

from past_gan.config import SegmentationConfig
from past_gan.networks.segmentation import Segmentation


def new_segmentation(**changes):
    torch.manual_seed(0)
    return Segmentation(SegmentationConfig(channels=4, levels=1, **changes), 2, 1)


def square(value=1, size=6):
    labels = torch.zeros(2, 16, 16, dtype=torch.long)
    labels[:, 4 : 4 + size, 5 : 5 + size] = value
    return labels


def test_the_loss_is_dice_and_cross_entropy_as_monai_has_them():
    segmentation, labels = new_segmentation(), square()
    labels[1, :3] = 2
    images = torch.randn(2, 1, 16, 16)
    criterion = DiceCELoss(
        include_background=False, to_onehot_y=True, softmax=True, smooth_nr=1.0, smooth_dr=1.0
    )
    expected = criterion(segmentation.network(images), labels[:, None])
    torch.testing.assert_close(segmentation(images, labels), expected)


def test_pixels_within_the_margin_do_not_count():
    labels = square()
    images = torch.randn(2, 1, 16, 16)

    def gradient(margin):
        segmentation = new_segmentation(margin=margin)
        segmentation.network = torch.nn.Conv2d(1, 3, 1)
        seen = images.clone().requires_grad_()
        segmentation(seen, labels).backward()
        return seen.grad[0, 0] != 0

    assert gradient(0).all()
    counted = gradient(2)
    # A square of 6 pixels has 2 x 2 that are 2 or more from what is outside.
    assert counted[4:10, 5:11].nonzero().tolist() == [[2, 2], [2, 3], [3, 2], [3, 3]]
    assert not counted[2:4, 3:13].any()
    assert counted[:2].all()
    assert counted[12:].all()


def test_a_structure_that_is_all_margin_gives_a_finite_loss():
    segmentation = new_segmentation(margin=3)
    assert segmentation(torch.randn(2, 1, 16, 16), square(2, 3)).isfinite()

"""Dividing the output of a convolution is the same as dividing its kernel."""

import copy

import pytest
import torch
from torch.nn import Conv2d
from torch.nn.utils.parametrizations import spectral_norm

from past_gan.nicegan.spectral import SpectralConv2d


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_output_gradients_and_estimate_are_those_of_torch(memory_format, bias, training):
    torch.manual_seed(0)
    torchs = spectral_norm(Conv2d(3, 5, 4, 2, bias=bias)).double()
    ours = SpectralConv2d(3, 5, 4, 2, bias=bias).double()
    ours.load_state_dict(torchs.state_dict())
    results = []
    for module in (torchs, ours):
        module.train(training).to(memory_format=memory_format)
        torch.manual_seed(1)
        images = torch.randn(2, 3, 9, 8, dtype=torch.float64, requires_grad=True)
        output = module(images)
        probe = torch.randn_like(output)
        gradients = torch.autograd.grad((output * probe).sum(), [images, *module.parameters()])
        results.append([output, *gradients, *module.buffers()])
    for expected, found in zip(*results, strict=True):
        torch.testing.assert_close(found, expected)


def test_starts_like_torchs_and_survives_copying():
    torch.manual_seed(0)
    torchs = spectral_norm(Conv2d(3, 5, 4))
    torch.manual_seed(0)
    ours = copy.deepcopy(SpectralConv2d(3, 5, 4))
    for name, value in torchs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value)
    before = ours.parametrizations.weight[0]._u.clone()
    _ = ours.weight
    assert not torch.equal(before, ours.parametrizations.weight[0]._u)

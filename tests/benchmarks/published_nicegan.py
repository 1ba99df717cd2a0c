"""NICE-GAN's training step as published, in PyTorch's ordinary idiom: what benchmarks compare with.

Written from the paper and from a description of the authors' public code, none of which
is here. It keeps that code's habits, each of which costs time and changes no result:

- discriminators run whole (encoder and both heads) wherever an encoder's output is needed;
- the discriminator step builds a graph for translations that it detaches;
- the generator step computes gradients of the discriminators' weights, to throw them away;
- every decoder is called for one image at a time;
- normalisation reads its input for each of its four statistics;
- attention concatenates features, and pools by modules.

In two points it does what ``past_gan.nicegan`` does where the authors differ, so that
losses can be compared: images have one channel, and attention weighs features by the
normalised importance.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class ILN(nn.Module):
    """Mixes instance and layer statistics; gamma and beta are given, or else its own."""

    def __init__(self, channels: int, start: tuple[float, float], adaptive: bool) -> None:
        super().__init__()
        self.rho = nn.Parameter(torch.tensor(start)[:, None].repeat(1, channels))
        if not adaptive:
            self.gamma = nn.Parameter(torch.ones(1, channels))
            self.beta = nn.Parameter(torch.zeros(1, channels))

    def forward(self, x: Tensor, gamma: Tensor | None = None, beta: Tensor | None = None) -> Tensor:
        gamma = self.gamma if gamma is None else gamma
        beta = self.beta if beta is None else beta
        instance_mean = torch.mean(x, dim=[2, 3], keepdim=True)
        instance_var = torch.var(x, dim=[2, 3], keepdim=True)
        layer_mean = torch.mean(x, dim=[1, 2, 3], keepdim=True)
        layer_var = torch.var(x, dim=[1, 2, 3], keepdim=True)
        by_instance = (x - instance_mean) / torch.sqrt(instance_var + 1e-5)
        by_layer = (x - layer_mean) / torch.sqrt(layer_var + 1e-5)
        rho = torch.softmax(self.rho, dim=0)[:, None, :, None, None]
        mixed = rho[0] * by_instance + rho[1] * by_layer
        return mixed * gamma[:, :, None, None] + beta[:, :, None, None]


class Discriminator(nn.Module):
    """Encoder with attention, and the local and the global head, always all of them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        c = channels
        self.encoder = nn.Sequential(*layer(1, c, 2), *layer(c, 2 * c, 2))
        self.average_pool = nn.AdaptiveAvgPool2d(1)
        self.maximum_pool = nn.AdaptiveMaxPool2d(1)
        self.attention = spectral_norm(nn.Linear(4 * c, 1, bias=False))
        self.mix = nn.Conv2d(4 * c, 2 * c, 1)
        self.gain = nn.Parameter(torch.zeros(1))
        self.activation = nn.LeakyReLU(0.2)
        self.shared = nn.Sequential(*layer(2 * c, 4 * c, 2))
        self.local_head = nn.Sequential(*layer(4 * c, 8 * c, 1), *classifier(8 * c))
        self.trunk = nn.Sequential(
            nn.Sequential(*layer(4 * c, 8 * c, 2)), nn.Sequential(*layer(8 * c, 16 * c, 2))
        )
        self.global_head = nn.Sequential(*layer(16 * c, 32 * c, 1), *classifier(32 * c))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Logits of the local head, the global head and attention, and the code."""
        x = self.encoder(image)
        average = self.average_pool(x).flatten(1)
        maximum = self.maximum_pool(x).flatten(1)
        importance = self.attention.weight
        attention = F.linear(torch.cat([average, maximum], 1), importance)
        weighted = torch.cat([x, x], 1) * importance[:, :, None, None]
        code = self.activation(self.gain * self.mix(weighted) + x)
        shared = self.shared(code)
        return (
            self.local_head(shared),
            self.global_head(self.trunk(shared)),
            attention,
            code,
        )


class Generator(nn.Module):
    """The light decoder."""

    def __init__(self, channels: int, blocks: int) -> None:
        super().__init__()
        width = 4 * channels
        self.entry = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(2 * channels, width, 3),
            ILN(width, (1.0, 3.2), adaptive=False),
            nn.ReLU(),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.style = nn.Sequential(
            nn.Linear(width, width, bias=False),
            nn.ReLU(),
            nn.Linear(width, width, bias=False),
            nn.ReLU(),
        )
        self.gamma = nn.Linear(width, width, bias=False)
        self.beta = nn.Linear(width, width, bias=False)
        self.blocks = nn.ModuleList(ResidualBlock(width) for _ in range(blocks))
        self.exit = nn.Sequential(
            upsampling(width, 2 * channels),
            upsampling(2 * channels, channels),
            nn.ReflectionPad2d(3),
            nn.Conv2d(channels, 1, 7, bias=False),
            nn.Tanh(),
        )

    def forward(self, code: Tensor) -> Tensor:
        x = self.entry(code)
        style = self.style(self.pool(x).flatten(1))
        gamma, beta = self.gamma(style), self.beta(style)
        for block in self.blocks:
            x = block(x, gamma, beta)
        return self.exit(x)


class ResidualBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first_pad = nn.ReflectionPad2d(1)
        self.first = nn.Conv2d(channels, channels, 3, bias=False)
        self.first_norm = ILN(channels, (3.2, 1.0), adaptive=True)
        self.activation = nn.ReLU()
        self.second_pad = nn.ReflectionPad2d(1)
        self.second = nn.Conv2d(channels, channels, 3, bias=False)
        self.second_norm = ILN(channels, (3.2, 1.0), adaptive=True)

    def forward(self, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        y = self.activation(self.first_norm(self.first(self.first_pad(x)), gamma, beta))
        return self.second_norm(self.second(self.second_pad(y)), gamma, beta) + x


def layer(channels: int, out: int, stride: int) -> list[nn.Module]:
    return [
        nn.ReflectionPad2d(1),
        spectral_norm(nn.Conv2d(channels, out, 4, stride)),
        nn.LeakyReLU(0.2),
    ]


def classifier(channels: int) -> list[nn.Module]:
    return [nn.ReflectionPad2d(1), spectral_norm(nn.Conv2d(channels, 1, 4, bias=False))]


def upsampling(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ReflectionPad2d(1),
        nn.Conv2d(channels, out, 3, bias=False),
        ILN(out, (1.0, 3.2), adaptive=False),
        nn.ReLU(),
        nn.Conv2d(out, 4 * out, 1),
        nn.PixelShuffle(2),
        ILN(out, (1.0, 3.2), adaptive=False),
        nn.ReLU(),
    )


class PublishedStep(nn.Module):
    """The four networks and two optimisers of a training; ``step`` is one iteration.

    Parameters
    ----------
    channels, blocks
        Base channels, and AdaILN residual blocks of a generator; published 64 and 6.
    one_power_iteration
        As published (False), every pass through a discriminator improves its spectral
        norms by one power iteration: four in each half of a step. ``past_gan`` makes one
        a step, in the first pass; True does the same, so that losses can be compared.
    """

    def __init__(
        self, channels: int = 64, blocks: int = 6, *, one_power_iteration: bool = False
    ) -> None:
        super().__init__()
        self.one_power_iteration = one_power_iteration
        self.discriminator_a, self.discriminator_b = (
            Discriminator(channels),
            Discriminator(channels),
        )
        self.generator_a, self.generator_b = (
            Generator(channels, blocks),
            Generator(channels, blocks),
        )
        adam = {"lr": 1e-4, "betas": (0.5, 0.999), "weight_decay": 1e-4}
        discriminators, generators = (
            self.discriminators(),
            nn.ModuleList([self.generator_a, self.generator_b]),
        )
        self.discriminators_optimizer = torch.optim.Adam(discriminators.parameters(), **adam)
        self.generators_optimizer = torch.optim.Adam(generators.parameters(), **adam)

    def discriminators(self) -> nn.ModuleList:
        return nn.ModuleList([self.discriminator_a, self.discriminator_b])

    def step(self, source: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Train on images ``(n, 1, h, w)`` in [-1, 1]; the loss terms, unweighted, by name."""
        self.discriminators().train()
        losses = {"discriminator": self.discriminator_step(source, target)}
        return losses | self.generator_step(source, target)

    def discriminator_step(self, source: Tensor, target: Tensor) -> Tensor:
        self.discriminators_optimizer.zero_grad()
        *real_a, code_a = self.discriminator_a(source)
        *real_b, code_b = self.discriminator_b(target)
        if self.one_power_iteration:
            self.discriminators().eval()
        fake_b = self.generator_b(code_a).detach()
        fake_a = self.generator_a(code_b).detach()
        *seen_a, _ = self.discriminator_a(fake_a)
        *seen_b, _ = self.discriminator_b(fake_b)
        loss = sum(towards(logit, 1) for logit in [*real_a, *real_b])
        loss = loss + sum(towards(logit, 0) for logit in [*seen_a, *seen_b])
        loss.backward()
        self.discriminators_optimizer.step()
        return loss.detach()

    def generator_step(self, source: Tensor, target: Tensor) -> dict[str, Tensor]:
        self.generators_optimizer.zero_grad()
        *_, code_a = self.discriminator_a(source)
        *_, code_b = self.discriminator_b(target)
        fake_b, fake_a = self.generator_b(code_a), self.generator_a(code_b)
        *seen_a, code_fake_a = self.discriminator_a(fake_a)
        *seen_b, code_fake_b = self.discriminator_b(fake_b)
        again_b, again_a = self.generator_b(code_fake_a), self.generator_a(code_fake_b)
        same_a, same_b = self.generator_a(code_a), self.generator_b(code_b)
        losses = {
            "adversarial": sum(towards(logit, 1) for logit in [*seen_a, *seen_b]),
            "cycle": F.l1_loss(again_a, source) + F.l1_loss(again_b, target),
            "reconstruction": F.l1_loss(same_a, source) + F.l1_loss(same_b, target),
        }
        total = losses["adversarial"] + 10 * losses["cycle"] + 10 * losses["reconstruction"]
        total.backward()
        self.generators_optimizer.step()
        return {name: loss.detach() for name, loss in losses.items()}


def towards(logit: Tensor, wanted: float) -> Tensor:
    return F.mse_loss(logit, torch.full_like(logit, wanted))

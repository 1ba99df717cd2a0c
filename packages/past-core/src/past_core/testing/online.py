"""An online strategy teaches with a loss, keeps a network, and goes on from its state."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

from past_core.testing.promises import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from past_core.config import PluginConfig
    from past_core.interfaces import OnlineStrategy, Views

__all__ = ["check_online_strategy"]


def check_online_strategy(
    factory: type[OnlineStrategy],
    config: PluginConfig,
    network: Any,  # noqa: ANN401
    views: Views,
    reseed: Callable[[], object],
) -> None:
    """Check an online strategy against ``past_core.interfaces.OnlineStrategy``.

    Parameters
    ----------
    factory
        The class that the plugin's description names.
    config
        Its configuration.
    network
        A small ``torch.nn.Module`` from patches to logits; it is trained a little.
    views
        Patches for it, half-way through a training.
    reseed
        Sets torch's generator: ``lambda: torch.manual_seed(0)``.

    Raises
    ------
    AssertionError
        Saying which promise was broken.
    """
    who = factory.__name__
    strategy = factory(config)
    share = strategy.random_looks
    expect(0 <= share <= 1, f"{who}: random_looks is {share}, no share from 0 to 1")
    before = [weight.detach().clone() for weight in network.parameters()]
    strategy.begin(network, warm=True)
    for _ in range(2):
        _step(strategy, network, views, who)
    moved = any(
        bool((weight != old).any())
        for weight, old in zip(network.parameters(), before, strict=True)
    )
    expect(moved, f"{who}: its loss has no gradient for the student")
    kept = strategy.kept(network)(views.weak)
    expected = network(views.weak).shape
    expect(
        kept.shape == expected,
        f"{who}: the network it keeps gives logits of shape {tuple(kept.shape)}, "
        f"expected {tuple(expected)}",
    )
    _check_restored(strategy, factory(config), network, views, reseed)


def _step(strategy: OnlineStrategy, network: Any, views: Views, who: str) -> None:  # noqa: ANN401
    loss = strategy.loss(network, views)
    expect(
        loss.ndim == 0 and math.isfinite(loss.detach().item()),
        f"{who}: the loss must be a finite number, not {loss}",
    )
    network.zero_grad()
    if loss.requires_grad:
        loss.backward()
    for weight in network.parameters():
        if weight.grad is not None:
            weight.data -= 0.1 * weight.grad
    strategy.after_step(network)


def _check_restored(
    strategy: OnlineStrategy,
    other: OnlineStrategy,
    network: Any,  # noqa: ANN401
    views: Views,
    reseed: Callable[[], object],
) -> None:
    """A training that was interrupted goes on as if it had not been."""
    who = type(strategy).__name__
    state = copy.deepcopy(strategy.state())
    other.begin(copy.deepcopy(network), warm=True)
    other.restore(state)
    losses = []
    for one in (strategy, other):
        pupil = copy.deepcopy(network)
        reseed()
        _step(one, pupil, views, who)
        losses.append(one.loss(pupil, views).detach().item())
    expect(losses[0] == losses[1], f"{who}: goes on otherwise from its own state: losses {losses}")

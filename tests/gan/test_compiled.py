"""The option ``compile``: the networks are traced whole, and train as they do otherwise."""

from functools import partialmethod

import pytest
import torch
from torch import nn

from past_core.plugins import Registry
from past_gan.training.runtime import Runtime
from tests.gan.stepping import SIDE, new_batch


@pytest.fixture
def quick_compiler(monkeypatch):
    """All of ``torch.compile`` but the writing of machine code, which takes minutes."""
    compiled = []
    plain = partialmethod(nn.Module.compile, backend="aot_eager")

    def note(module):
        compiled.append(module)
        plain.__get__(module)()

    monkeypatch.setattr(nn.Module, "compile", note)
    torch._dynamo.utils.counters.clear()
    yield compiled
    torch.compiler.reset()


# The compiler itself looks at attributes that torch warns of.
@pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")
@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("nicegan", {"heads": (1,), "blocks": 1}),
        ("cyclegan", {"stages": 2, "blocks": 1}),
        ("cut", {"stages": 2, "blocks": 3, "positions": 20, "features": 8}),
    ],
)
def test_compiled_networks_train_as_others(quick_compiler, name, sizes):
    registry = Registry()
    factory = registry.factory("translator", name)
    common = {"channels": 4, "crop": SIDE, "batch_size": 2, "precision": "float32"}

    def losses(compile_):
        settings = {**common, **sizes, "compile": compile_}
        torch.manual_seed(0)
        config = registry.config("translator", name, settings, "test")
        model = factory(config).gan.model(Runtime.single())
        steps = [model.step(new_batch(step)) for step in range(3)]
        return [{key: float(value) for key, value in step.items()} for step in steps]

    plain = losses(False)
    assert not quick_compiler
    for step, expected in zip(losses(True), plain, strict=True):
        assert step == pytest.approx(expected, rel=1e-4)
    assert quick_compiler
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0

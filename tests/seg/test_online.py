"""Online strategies within nnU-Net's training: views, loss, the kept network, resumption."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from past_core.config import PluginConfig
from past_core.errors import DataError
from past_core.interfaces import OnlineStrategy, Unlabelled
from past_core.volume import Volume, save_volume
from past_seg.nnunet.config import NNUNetConfig, ResUNetConfig
from past_seg.nnunet.prepared import PreparedCases
from past_seg.nnunet.segmenter import NNUNet, ResUNet
from past_seg.nnunet.trainer import Trainer


class Settings(PluginConfig):
    """Of the strategies here."""

    weight: float = 0.0


def total(network):
    """Sum of all weights."""
    return float(sum(p.detach().double().sum() for p in network.parameters()))


class Watch(OnlineStrategy):
    """Remembers what it is handed; its loss pulls the logits of unlabelled patches to 0."""

    def __init__(self, weight=0.0, looks=0.0):
        super().__init__(Settings(weight=weight))
        self.random_looks = looks
        self.views, self.begun, self.steps, self.weights, self.logits = [], [], 0, [], []

    def begin(self, student, *, warm):
        self.begun.append(warm)
        self.first = copy.deepcopy(student)

    def loss(self, student, views):
        self.views.append(views)
        with torch.no_grad():
            logits = student(views.strong)
        self.logits.append((tuple(logits.shape), logits.dtype))
        return self.config.weight * student(views.strong).square().mean()

    def after_step(self, student):
        self.steps += 1
        self.weights.append(total(student))

    def kept(self, student):
        return student

    def state(self):
        return {"steps": self.steps}

    def restore(self, state):
        self.steps = state["steps"]


class First(Watch):
    """Results in the network that the training began with."""

    def kept(self, student):
        return self.first


def unlabelled(balls, strategy, count=3, weights=None):
    cases = [balls.case(f"target{n}", 50 + n) for n in range(count)]
    plain = []
    for number, case in enumerate(cases):
        weight = 1.0 if weights is None else weights[number]
        plain.append(type(case)(case.id, case.domain, case.image, weight=weight))
    return Unlabelled(strategy, plain, {"name": "watch", "weight": strategy.config.weight})


def fit(balls, more, name="work", init_from=None, plugin=NNUNet, **changes):
    config = (NNUNetConfig if plugin is NNUNet else ResUNetConfig)(**(balls.tiny | changes))
    segmenter = plugin(config)
    segmenter.fit(balls.cases(2), balls.labels, balls.context(name), init_from, unlabelled=more)
    return segmenter


@pytest.mark.parametrize("plugin", [NNUNet, ResUNet])
def test_every_iteration_sees_a_batch_of_two_views_and_how_far_it_is(balls, plugin):
    strategy = Watch()
    fit(balls, unlabelled(balls, strategy), plugin=plugin)
    assert strategy.begun == [False]
    assert strategy.steps == len(strategy.views) == 6
    assert [views.progress for views in strategy.views] == pytest.approx([n / 6 for n in range(6)])
    for views in strategy.views:
        assert views.weak.shape == views.strong.shape
        assert views.weak.shape[:2] == (2, 1)
        # Intensities were normalised as those of labelled scans are.
        assert abs(float(views.weak.mean())) < 1
    assert len(set(strategy.weights)) == 6


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_student_gives_float32_logits_of_its_finest_output(balls, precision):
    """Finds coarse outputs of deep supervision, and logits in reduced precision."""
    strategy = Watch(0.1)
    fit(balls, unlabelled(balls, strategy), patch_voxels=4096, precision=precision)
    for views, (shape, dtype) in zip(strategy.views, strategy.logits, strict=True):
        assert shape == (2, 2, *views.strong.shape[2:])
        assert dtype == torch.float32


def test_a_bfloat16_training_computes_the_students_forward_in_bfloat16(balls):
    seen = []

    class Look(Watch):
        def begin(self, student, *, warm):
            super().begin(student, warm=warm)
            first = next(m for m in student.modules() if isinstance(m, torch.nn.Conv3d))
            first.register_forward_hook(lambda _m, _i, output: seen.append(output.dtype))

    fit(balls, unlabelled(balls, Look()), precision="bfloat16")
    assert set(seen) == {torch.bfloat16}


def test_the_strategy_follows_after_the_step_and_not_before(balls):
    """Finds a teacher that is one step behind."""
    strategy = Watch(1.0)
    segmenter = fit(balls, unlabelled(balls, strategy))
    segmenter.save(balls.folder / "saved")
    weights = load_file(balls.folder / "saved" / "weights.safetensors")
    assert strategy.weights[-1] == pytest.approx(
        float(sum(w.double().sum() for w in weights.values())), rel=1e-6
    )


class Scaler:
    """Counts what a gradient scaler is asked."""

    def __init__(self):
        self.asked = []

    def scale(self, loss):
        self.asked.append("scale")
        return loss * 8

    def unscale_(self, optimizer):
        self.asked.append("unscale")
        for group in optimizer.param_groups:
            for weight in group["params"]:
                weight.grad /= 8

    def step(self, optimizer):
        self.asked.append("step")
        optimizer.step()

    def update(self):
        self.asked.append("update")


@pytest.mark.parametrize("scaler", [None, Scaler()])
def test_a_step_with_a_scaler_is_the_same_step(scaler):
    """What CUDA's mixed precision needs: unscaled before gradients are clipped, then updated."""
    layer = torch.nn.Linear(2, 1, bias=False)
    torch.nn.init.constant_(layer.weight, 1.0)
    trainer = SimpleNamespace(network=layer, optimizer=torch.optim.SGD(layer.parameters(), lr=0.1))
    loss = 10 * layer(torch.tensor([[1.0, 2.0]])).sum()
    Trainer._descend(trainer, loss, scaler)
    gradient = torch.tensor([10.0, 20.0]) * 12 / 500**0.5  # clipped to a norm of 12
    assert torch.allclose(layer.weight.detach(), 1 - 0.1 * gradient, atol=1e-4)
    if scaler is not None:
        assert scaler.asked == ["scale", "unscale", "step", "update"]


@pytest.mark.parametrize(
    ("space", "patch", "flat"),
    [({}, 1024, False), ({"shape": (40, 40, 5)}, 8000, True)],  # slices turned by themselves
)
def test_views_show_the_same_place_and_the_weak_one_as_it_is(
    balls, monkeypatch, space, patch, *, flat
):
    """Finds views of other places, and changed intensities in the weak one."""
    turned = set()
    plan = Trainer.configure_rotation_dummyDA_mirroring_and_inital_patch_size

    def look(self):
        found = plan(self)
        turned.add(found[1])
        return found

    monkeypatch.setattr(Trainer, "configure_rotation_dummyDA_mirroring_and_inital_patch_size", look)
    strategy = Watch(looks=1.0)
    case = balls.case("target0", 50, **space)
    NNUNet(
        NNUNetConfig(
            **balls.tiny | {"iterations": 20, "iterations_per_epoch": 10, "patch_voxels": patch}
        )
    ).fit(
        balls.cases(2, **space),
        balls.labels,
        balls.context("work"),
        unlabelled=Unlabelled(strategy, [type(case)(case.id, case.domain, case.image)], {}),
    )
    assert turned == {flat}
    image = case.load_image().data
    normalised = (image - image.mean()) / image.std()
    inside = normalised[case.load_label().data == 1]
    changed, stands_out = [], []
    for views in strategy.views:
        for weak, strong in zip(views.weak, views.strong, strict=True):
            edge = torch.tensor(float(inside.min()))
            ball = weak > edge - 0.2
            if ball.sum() < 50:
                continue
            assert float(weak[ball].mean()) == pytest.approx(float(inside.mean()), abs=0.35)
            outside = strong[~ball & (weak != 0)]
            changed.append(abs(float(strong[ball].mean() - weak[ball].mean())))
            contrast = abs(float(strong[ball].mean() - outside.mean()))
            stands_out.append(contrast / float(outside.std()))
    assert len(changed) > 5
    assert max(changed) > 0.5
    # Whatever its brightness, the ball stands out in the strong view where it lies.
    assert np.median(stands_out) > 2


def test_without_looks_views_still_differ_by_usual_augmentation_alone(balls):
    strategy = Watch()
    fit(balls, unlabelled(balls, strategy), iterations=12, iterations_per_epoch=6)
    same = [bool(torch.equal(views.weak, views.strong)) for views in strategy.views]
    assert not all(same)


def test_scans_are_drawn_by_their_weight(balls):
    strategy = Watch()
    more = unlabelled(balls, strategy, count=2, weights=[0.0, 1.0])
    flat = more.cases[0].load_image()
    flat.data[:] = 1
    flat.data[0, 0, 0] = 10_000  # normalised, all other voxels are as good as 0
    save_volume(Volume(flat.data, flat.affine), more.cases[0].image)
    fit(balls, more)
    for views in strategy.views:
        assert float(views.weak.flatten(1).std(1).min()) > 0.1


def test_the_loss_teaches(balls):
    """Finds a loss that is asked for and not added."""
    heavy, light = (
        fit(balls, unlabelled(balls, Watch(weight)), name, iterations=20, iterations_per_epoch=10)
        for weight, name in ((10.0, "heavy"), (0.0, "light"))
    )
    scan = balls.case("target0", 50).load_image()
    spread = [float(np.abs(s.predict(scan)[0] - 0.5).mean()) for s in (heavy, light)]
    assert spread[0] < 0.5 * spread[1]


def test_a_strategy_that_adds_nothing_changes_nothing_but_chance(balls):
    """The labelled loss stays: the ball is learnt."""
    learning = {"iterations": 60, "iterations_per_epoch": 30, "base_features": 8}
    learning |= {"max_features": 16, "patch_voxels": 4096}
    segmenter = fit(balls, unlabelled(balls, Watch()), **learning)
    unseen = balls.case("unseen", 99)
    found = segmenter.predict(unseen.load_image()).argmax(0)
    assert balls.dice(found, unseen.load_label().data) > 0.8


def test_the_network_that_the_strategy_keeps_is_the_result(balls):
    """Finds the student kept always."""
    start = fit(balls, None, "start")
    start.save(balls.folder / "saved")
    kept = fit(balls, unlabelled(balls, First()), "first", balls.folder / "saved")
    other = fit(balls, unlabelled(balls, Watch()), "last", balls.folder / "saved")
    scan = balls.case("target0", 50).load_image()
    assert np.array_equal(kept.predict(scan), start.predict(scan))
    assert not np.array_equal(other.predict(scan), start.predict(scan))


def test_a_warm_start_is_told(balls):
    fit(balls, None, "start").save(balls.folder / "saved")
    strategy = First()
    fit(balls, unlabelled(balls, strategy), "warm", balls.folder / "saved")
    assert strategy.begun == [True]
    fresh = First()
    fit(balls, unlabelled(balls, fresh), "cold")
    assert total(strategy.first) != total(fresh.first)


def test_an_interrupted_training_resumes_to_the_same_weights(balls):
    whole = balls.weights(fit(balls, unlabelled(balls, Watch(1.0)), "whole"), "a")

    def stop(done, total, note=""):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        NNUNet(NNUNetConfig(**balls.tiny)).fit(
            balls.cases(2),
            balls.labels,
            balls.context("broken", progress=stop),
            unlabelled=unlabelled(balls, Watch(1.0)),
        )
    strategy = Watch(1.0)
    again = fit(balls, unlabelled(balls, strategy), "broken")
    assert strategy.steps == 6
    assert len(strategy.views) == 2
    assert balls.weights(again, "b") == whole


def test_another_strategy_or_other_scans_are_another_training(balls):
    first = balls.weights(fit(balls, unlabelled(balls, Watch(1.0))), "a")
    other = balls.weights(fit(balls, unlabelled(balls, Watch(5.0))), "b")
    fewer = balls.weights(fit(balls, unlabelled(balls, Watch(5.0), count=1)), "c")
    assert len({first, other, fewer}) == 3


def test_scans_of_other_spacings_and_with_ignored_voxels_beside_them(balls):
    """Labels with ignored voxels make nnU-Net centre patches on labelled ones: here are none."""

    def some(image, label):
        label[::2, ::3] = balls.labels.ignore

    strategy = Watch()
    cases = [balls.case(f"ball{n}", n, change=some) for n in range(2)]
    more = unlabelled(balls, strategy)
    odd = balls.case("odd", 9, shape=(15, 33, 9), affine=np.diag([-1.6, 0.8, 2.5, 1]))
    more = Unlabelled(strategy, [*more.cases, odd], more.identity)
    NNUNet(NNUNetConfig(**balls.tiny)).fit(
        cases, balls.labels, balls.context("work"), unlabelled=more
    )
    assert strategy.steps == 6


def test_unlabelled_scans_are_prepared_just_as_labelled_ones(balls):
    """Finds axes in another order, and other normalisation."""
    case = balls.case("same", 3, shape=(30, 22, 12), affine=np.diag([-1.2, 0.9, 1.5, 1]))
    other = type(case)("other", case.domain, case.image)
    more = Unlabelled(Watch(), [other], {})
    NNUNet(NNUNetConfig(**balls.tiny)).fit(
        [case], balls.labels, balls.context("work"), unlabelled=more
    )
    (path,) = (balls.folder / "work").rglob("other.npy")
    (folder,) = {one.parent.parent for one in (balls.folder / "work").rglob("same/label.npy")}
    labelled, *_ = PreparedCases(str(folder), ["same"]).load_case("same")
    assert np.allclose(np.load(path), labelled[:], atol=1e-5)


def test_an_unusable_scan_is_refused_by_file_name(balls):
    more = unlabelled(balls, Watch())
    volume = more.cases[1].load_image()
    save_volume(Volume(volume.data * np.nan, volume.affine), more.cases[1].image)
    with pytest.raises(DataError, match=r"target1.nii.gz: .*Drop it or export it anew"):
        fit(balls, more)

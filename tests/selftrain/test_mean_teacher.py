"""The mean teacher: whom it labels for, how it follows, what counts."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from past_core import ConfigError
from past_core.config import parse_config
from past_core.interfaces import Views
from past_selftrain.mean_teacher.config import MeanTeacherConfig
from past_selftrain.mean_teacher.teacher import MeanTeacher

CLASSES = 3


def value_of(loss):
    return float(loss.detach())


def mean_teacher(**values):
    return MeanTeacher(parse_config(MeanTeacherConfig, {"ramp": 0.0, **values}, "strategy"))


@pytest.fixture
def student():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv3d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv3d(4, CLASSES, 1))


@pytest.fixture
def views():
    generator = torch.Generator().manual_seed(1)
    weak, strong = (torch.randn(2, 1, 8, 6, 4, generator=generator) for _ in range(2))
    return Views(weak, strong, 0.5)


class Fixed(nn.Module):
    """Gives these logits, whatever it sees."""

    def __init__(self, logits):
        super().__init__()
        self.logits = nn.Parameter(logits)
        self.seen = []

    def forward(self, patches):
        self.seen.append(patches)
        return self.logits


def logits_of(probabilities):
    """Logits ``(1, c, n, 1, 1)`` of some voxels' probabilities."""
    return torch.tensor(probabilities).T.log()[None, :, :, None, None]


def test_the_teacher_labels_the_weak_view_and_the_student_learns_from_the_strong_one(
    student, views
):
    strategy = mean_teacher(weighted=False)
    strategy.begin(student, warm=True)
    teacher = copy.deepcopy(student)
    with torch.no_grad():
        label = teacher(views.weak).argmax(1)
    logits = student(views.strong)
    entropy = F.cross_entropy(logits, label)
    dice = []
    probabilities = logits.softmax(1)
    for value in (1, 2):
        hot = (label == value).float()
        if hot.any():
            p = probabilities[:, value]
            dice.append(1 - 2 * (p * hot).sum() / (p.sum() + hot.sum()))
    expected = entropy + torch.stack(dice).mean()
    found = strategy.loss(student, views)
    assert value_of(found) == pytest.approx(value_of(expected), rel=1e-5)
    found.backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in student.parameters())
    assert all(p.grad is None for p in strategy.teacher.parameters())


def test_the_teacher_is_the_running_mean_of_the_student(student):
    strategy = mean_teacher(decay=0.75)
    strategy.begin(student, warm=True)
    mean = [p.detach().clone() for p in student.parameters()]
    for step in range(3):
        with torch.no_grad():
            for p in student.parameters():
                p.add_(step + 1)
        strategy.after_step(student)
        mean = [
            0.75 * m + 0.25 * p.detach() for m, p in zip(mean, student.parameters(), strict=True)
        ]
    for wanted, found in zip(mean, strategy.teacher.parameters(), strict=True):
        assert torch.allclose(wanted, found, atol=1e-5)
    assert strategy.kept(student) is strategy.teacher
    assert mean_teacher(keep="student").kept(student) is student


def test_what_a_network_counts_beside_its_weights_is_the_students(views):
    student = nn.Sequential(nn.Conv3d(1, CLASSES, 1), nn.BatchNorm3d(CLASSES))
    strategy = mean_teacher()
    strategy.begin(student, warm=True)
    student(views.strong)
    strategy.after_step(student)
    assert torch.equal(strategy.teacher[1].running_mean, student[1].running_mean)


def test_from_random_weights_the_teacher_follows_faster_at_first(student):
    strategy = mean_teacher(decay=0.99)
    strategy.begin(student, warm=False)
    first = next(student.parameters()).detach().clone()
    with torch.no_grad():
        next(student.parameters()).add_(1)
    strategy.after_step(student)
    assert torch.allclose(next(strategy.teacher.parameters()), first + 0.5, atol=1e-6)


def test_voxels_count_by_how_sure_the_teacher_is():
    """Two voxels, of which the teacher is sure of one and knows nothing of the other."""
    strategy = mean_teacher()
    strategy.begin(
        Fixed(logits_of([[0.999998, 1e-6, 1e-6], [1 / 3 + 1e-6, 1 / 3, 1 / 3]])), warm=True
    )
    student = Fixed(logits_of([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]]))
    patch = torch.zeros(1, 1, 2, 1, 1)
    found = strategy.loss(student, Views(patch, patch, 1.0))
    # Background has no Dice; the sum of weights is that of one voxel.
    assert value_of(found) == pytest.approx(-torch.tensor(0.5).log().item(), rel=1e-4)


def test_below_the_confidence_nothing_counts():
    teacher = Fixed(logits_of([[0.1, 0.8, 0.1], [0.1, 0.7, 0.2]]))
    student = Fixed(logits_of([[0.2, 0.5, 0.3], [0.6, 0.2, 0.2]]))
    patch = torch.zeros(1, 1, 2, 1, 1)
    strategy = mean_teacher(confidence=0.75, weighted=False)
    strategy.begin(teacher, warm=True)
    found = strategy.loss(student, Views(patch, patch, 1.0))
    expected = -torch.tensor(0.5).log() + 1 - 2 * 0.5 / (1 + 0.5)
    assert value_of(found) == pytest.approx(value_of(expected), rel=1e-5)
    nothing = mean_teacher(confidence=0.9)
    nothing.begin(teacher, warm=True)
    assert value_of(nothing.loss(student, Views(patch, patch, 1.0))) == 0


def test_the_weight_rises_over_the_ramp(student, views):
    losses = []
    for progress in (0.0, 0.1, 0.2, 0.9):
        strategy = mean_teacher(ramp=0.2, weight=3.0)
        strategy.begin(student, warm=True)
        losses.append(value_of(strategy.loss(student, Views(views.weak, views.strong, progress))))
    plain = mean_teacher()
    plain.begin(student, warm=True)
    full = 3 * value_of(plain.loss(student, views))
    assert losses == pytest.approx([0, full / 2, full, full], rel=1e-5)


def test_masked_blocks_are_hidden_from_the_student_alone():
    logits = torch.randn(4, CLASSES, 16, 16, 3)
    teacher, student = Fixed(logits), Fixed(logits)
    strategy = mean_teacher(masked=0.7, block=4)
    strategy.begin(teacher, warm=True)
    strategy.teacher.seen.clear()
    patch = torch.ones(4, 1, 16, 16, 3)
    torch.manual_seed(0)
    strategy.loss(student, Views(patch, patch, 1.0))
    assert torch.equal(strategy.teacher.seen[0], patch)
    shown = student.seen[0]
    assert set(shown.unique().tolist()) == {0.0, 1.0}
    assert float((shown == 0).float().mean()) == pytest.approx(0.7, abs=0.06)
    blocks = shown.reshape(4, 4, 4, 4, 4, 3)  # along the short axis a block is one voxel
    assert (blocks.amax((2, 4)) == blocks.amin((2, 4))).all()
    assert not torch.equal(shown[0], shown[1])


def test_state_and_restore_go_on_with_the_same_teacher(student, views):
    strategy = mean_teacher()
    strategy.begin(student, warm=False)
    with torch.no_grad():
        next(student.parameters()).add_(1)
    for _ in range(3):
        strategy.after_step(student)
    state = copy.deepcopy(strategy.state())
    other = mean_teacher()
    other.begin(student, warm=False)
    other.restore(state)
    assert value_of(other.loss(student, views)) == value_of(strategy.loss(student, views))
    for one in (strategy, other):
        one.after_step(student)
    for a, b in zip(strategy.teacher.parameters(), other.teacher.parameters(), strict=True):
        assert torch.equal(a, b)


def test_looks_are_asked_of_the_segmenter():
    assert mean_teacher(looks=0.25).random_looks == 0.25
    with pytest.raises(ConfigError, match=r"strategy.looks: .*less than or equal to 1"):
        mean_teacher(looks=2)

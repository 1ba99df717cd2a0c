"""On CPUs with AMX, convolutions whose bfloat16 kernel is not sound train in float32."""

import copy
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from past_seg.nnunet import amx, probe, verdicts
from past_seg.nnunet.config import NNUNetConfig, ResUNetConfig
from past_seg.nnunet.convolution import Convolution
from past_seg.nnunet.probe import ProbeError, examine, measure
from past_seg.nnunet.segmenter import NNUNet, ResUNet
from past_seg.nnunet.trainer import Trainer

FLAT = {
    "precision": "bfloat16",
    "patch_voxels": 5 * 96 * 96,
    "iterations": 1,
    "batch_size": 2,
    "base_features": 2,
    "max_features": 4,
}
"""On volumes of 96 x 96 x 5 voxels this plans such patches."""

SMALL = Convolution(3, 4, (3, 3, 3), (1, 1, 1), (1, 1, 1), (2, 4, 8, 8))


IN_INFERENCE = (torch.ops.aten.conv3d.default, torch.ops.aten.conv_transpose3d.input)
"""What reaches the mode where there is no autograd that takes them apart."""


class Convolved(TorchDispatchMode):
    """Notes what each convolution computes in, forward and backward."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function is torch.ops.aten.convolution.default:
            self._note("forward", args[0], args[1], args[3])
        if function in IN_INFERENCE:
            self._note("forward", *args[:2], args[3] if len(args) > 3 else (1, 1, 1))
        if function is torch.ops.aten.convolution_backward.default:
            assert args[0].dtype == args[1].dtype
            self._note("backward", args[1], args[2], args[4])
        return function(*args, **(kwargs or {}))

    def _note(self, direction, x, weight, stride):
        assert x.dtype == weight.dtype
        self.seen.append((direction, x.dtype, x.shape[-1], tuple(weight.shape[2:]), tuple(stride)))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A memory of its own for each test."""
    monkeypatch.setattr(verdicts, "user_cache_path", lambda name: tmp_path / "cache" / name)
    return tmp_path / "cache/past"


@pytest.fixture
def amx_cpu(monkeypatch):
    """As if this CPU had AMX; counts the convolutions that are tried, all of them sound."""
    tried = []

    def examine(convolutions):
        tried.extend(convolutions)
        return dict.fromkeys(convolutions, "")

    monkeypatch.setattr(amx, "in_use", lambda: True)
    monkeypatch.setattr(probe, "examine", examine)
    return tried


@pytest.fixture
def convolved(monkeypatch):
    """All that training steps convolve."""
    mode = Convolved()
    step = Trainer.train_step

    def watched(trainer, batch):
        with mode:
            return step(trainer, batch)

    monkeypatch.setattr(Trainer, "train_step", watched)
    return mode.seen


def flat(balls, kind=NNUNet, width=96, distance=1.5):
    """Train on slices of this width and distance; give the note on convolutions."""
    config = NNUNetConfig if kind is NNUNet else ResUNetConfig
    segmenter = kind(config(**(balls.tiny | FLAT | {"patch_voxels": 5 * width**2})))
    context = balls.context("work")
    cases = balls.cases(2, shape=(width, width, 5), affine=np.diag([1, 1, distance, 1]))
    segmenter.fit(cases, balls.labels, context)
    (plan,) = json.loads((context.folder / "prepared.json").read_text())["plans"][
        "configurations"
    ].values()
    assert plan["patch_size"] == [5, width, width]
    return context.record / "bfloat16.json"


@pytest.fixture
def torch_2_15(monkeypatch):
    monkeypatch.setattr(torch, "__version__", "2.15.0+cpu")


@pytest.mark.parametrize(
    ("kind", "distance", "kernel"), [(NNUNet, 1.5, (3, 3, 3)), (ResUNet, 6, (1, 3, 3))]
)
@pytest.mark.usefixtures("torch_2_15", "amx_cpu")
def test_just_the_known_convolutions_compute_in_float32(balls, convolved, kind, distance, kernel):
    note = flat(balls, kind, distance=distance)
    for direction in ("forward", "backward"):
        found = [rest for way, *rest in convolved if way == direction]
        assert len(found) > 10
        for dtype, last_axis, size, stride in found:
            known = last_axis == 96 and stride == (1, 1, 1) and size[1:] == (3, 3)
            assert dtype == (torch.float32 if known else torch.bfloat16)
        assert {(torch.float32, 96, kernel, (1, 1, 1))} <= {tuple(one) for one in found}
        assert {(torch.bfloat16, 96, (1, 1, 1), (1, 1, 1))} <= {tuple(one) for one in found}
    in_float32 = [rest for way, *rest in convolved if rest[0] == torch.float32]
    assert len(json.loads(note.read_text())["float32"]) == len(in_float32) / 2


@pytest.mark.usefixtures("torch_2_15", "amx_cpu")
def test_a_last_axis_of_64_stays_in_bfloat16(balls, convolved):
    note = flat(balls, width=64)
    assert {one[1] for one in convolved} == {torch.bfloat16}
    assert json.loads(note.read_text())["float32"] == []


@pytest.mark.usefixtures("amx_cpu")
def test_another_torch_is_tried_instead_of_judged(balls, convolved, amx_cpu, monkeypatch):
    monkeypatch.setattr(torch, "__version__", "2.16.0")
    flat(balls)
    assert {one[1] for one in convolved} == {torch.bfloat16}
    assert any(one.shape[-1] == 96 and max(one.kernel) == 3 for one in amx_cpu)


def test_every_distinct_convolution_is_tried_once_as_training_meets_it(balls, convolved, amx_cpu):
    """Bar those that are known to be faulty."""
    flat(balls, width=64)
    assert len(amx_cpu) == len(set(amx_cpu))
    met = {tuple(rest) for way, _, *rest in convolved if way == "forward"}
    assert {(one.shape[-1], one.kernel, one.stride) for one in amx_cpu} == met
    assert {one.shape[0] for one in amx_cpu} == {2}
    assert all(one.channels_last for one in amx_cpu)


def test_what_was_found_sound_is_not_tried_again_by_another_training(balls, amx_cpu, cache):
    for name in ("one", "two"):
        case = balls.context(name)
        segmenter = NNUNet(NNUNetConfig(**(balls.tiny | {"precision": "bfloat16"})))
        segmenter.fit(balls.cases(2), balls.labels, case)
    assert amx_cpu
    assert len(amx_cpu) == len(set(amx_cpu))
    notes = [balls.folder / name / "record/bfloat16.json" for name in ("one", "two")]
    assert notes[0].read_text() == notes[1].read_text()
    assert len(list(cache.iterdir())) == 1


def test_what_was_found_faulty_is_tried_again(monkeypatch):
    tried = []

    def examine(convolutions):
        tried.extend(convolutions)
        return {one: "wrong" if one == SMALL else "" for one in convolutions}

    monkeypatch.setattr(probe, "examine", examine)
    for _ in range(2):
        assert amx._judge([SMALL, OTHERS[0]], {}) == {SMALL: "wrong", OTHERS[0]: ""}
    assert tried == [SMALL, OTHERS[0], SMALL]


def test_verdicts_are_remembered_for_one_kind_of_machine_only(monkeypatch):
    verdicts.remember([SMALL])
    assert verdicts.remembered() == {SMALL}
    monkeypatch.setattr(torch, "__version__", "2.99.0")
    assert verdicts.remembered() == set()


def test_without_a_cache_all_are_tried(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setattr(verdicts, "user_cache_path", lambda _: tmp_path / "file")
    verdicts.remember([SMALL])
    assert verdicts.remembered() == set()


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "auto"])
def test_without_amx_or_bfloat16_nothing_is_asked(balls, monkeypatch, precision):
    def never(*_):
        raise AssertionError

    monkeypatch.setattr(amx, "protect", never)
    monkeypatch.setattr("past_seg.nnunet.precision.has_bfloat16", lambda _: precision != "auto")
    monkeypatch.setattr(amx, "in_use", lambda: precision != "bfloat16")
    segmenter = NNUNet(NNUNetConfig(**(balls.tiny | {"precision": precision, "iterations": 1})))
    segmenter.fit(balls.cases(2), balls.labels, balls.context("work"))
    assert not (balls.folder / "work/record/bfloat16.json").exists()


@pytest.mark.parametrize(
    ("limit", "native", "expected"),
    [
        (None, True, True),
        ("ALL", True, True),
        ("avx512_core_amx", True, True),
        ("AVX512_CORE_FP16", True, False),
        (None, False, False),
    ],
)
def test_amx_is_in_use_unless_it_is_missing_or_ruled_out(monkeypatch, limit, native, expected):
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    if limit:
        monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", limit)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": native})
    assert amx.in_use() is expected


@pytest.mark.usefixtures("amx_cpu")
def test_predictions_stay_in_bfloat16(balls):
    segmenter = NNUNet(NNUNetConfig(**(balls.tiny | FLAT)))
    segmenter.fit(balls.cases(2, shape=(96, 96, 5)), balls.labels, balls.context("work"))
    with Convolved() as mode:
        segmenter.predict(balls.case("unseen", 99, shape=(96, 96, 5)).load_image())
    assert {one[1] for one in mode.seen} == {torch.bfloat16}


def test_in_float32_a_layer_gives_float32s_gradients_and_the_type_of_its_surroundings():
    torch.manual_seed(0)
    layer, plain = SMALL.layer(), SMALL.layer()
    plain.load_state_dict(layer.state_dict())
    amx.keep_in_float32(layer)
    assert set(layer.state_dict()) == set(plain.state_dict())
    x, y = (SMALL.input().requires_grad_() for _ in range(2))
    with torch.no_grad():
        y.copy_(x)
    with torch.autocast("cpu", torch.bfloat16):
        found = layer(x)
    assert found.dtype == torch.bfloat16
    expected = plain(y)
    assert torch.equal(found, expected.bfloat16())
    gradient = torch.randn(expected.shape).bfloat16()
    found.backward(gradient)
    expected.backward(gradient.float())
    assert torch.equal(layer.weight.grad, plain.weight.grad)
    assert torch.equal(x.grad, y.grad)
    assert layer(x).dtype == torch.float32


OTHERS = [
    replace(SMALL, kernel=(1, 3, 3), padding=(0, 1, 1), stride=(1, 2, 2), bias=False),
    replace(SMALL, kernel=(1, 2, 2), padding=(0, 0, 0), stride=(1, 2, 2), transposed=True),
    replace(SMALL, kernel=(1, 1, 1), padding=(0, 0, 0), channels_last=False),
]


def test_sound_convolutions_are_found_to_be_sound():
    """Really tried, with the heap watched."""
    assert examine([SMALL, *OTHERS]) == dict.fromkeys([SMALL, *OTHERS], "")


FAULTY = """
import ctypes, os, signal, sys, torch
from past_seg.nnunet import trial

def faulty(fault):
    plain = torch.nn.Conv3d.forward

    class Fault(torch.autograd.Function):
        @staticmethod
        def forward(ctx, output):
            return output.clone()

        @staticmethod
        def backward(ctx, gradient):
            if fault == "dies":
                os.kill(os.getpid(), signal.SIGSEGV)
            if fault == "one byte too far":
                buffer = torch.ones(1000)
                ctypes.memset(buffer.data_ptr() + buffer.nbytes, 7, 1)
            if fault == "wrong values":
                gradient = gradient.clone()
                gradient[0, 0, 0, 0, 0] += 20
            if fault == "nan":
                gradient = gradient * float("nan")
            if fault == "other memory":
                others[-1][17] = 0
            if fault == "leaves":
                os._exit(0)
            return gradient

    def forward(layer, x):
        output = plain(layer, x)
        return Fault.apply(output) if output.dtype == torch.bfloat16 else output

    torch.nn.Conv3d.forward = forward

buffers = trial._buffers

def noted():
    others.extend(buffers())
    return others[-4:]

others = []
trial._buffers = noted
if sys.argv[1] != "never starts":
    faulty(sys.argv[1])
    trial.main()
    if sys.argv[1] == "babbles":
        print("}{", flush=True)
        os._exit(3)
"""


def command(fault):
    return [sys.executable, "-c", FAULTY, fault]


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        ("none", ""),
        ("dies", "ended by SIGSEGV"),
        ("one byte too far", "ended by SIGABRT"),
        ("wrong values", "wrong gradient of the input"),
        ("nan", "wrong gradient of the input"),
        ("other memory", "wrote into other memory"),
        ("leaves", "unreadable answer"),
        ("babbles", "ended with exit code 3"),
    ],
)
def test_a_faulty_convolution_is_found_out(fault, verdict):
    assert examine([SMALL], command(fault)) == {SMALL: verdict}


@pytest.mark.slow
def test_a_death_does_not_spoil_the_others():
    transposed = OTHERS[1]  # no Conv3d
    assert examine([SMALL, transposed], command("dies")) == {
        SMALL: "ended by SIGSEGV",
        transposed: "",
    }


def test_a_process_without_end_is_unsound(monkeypatch):
    monkeypatch.setattr(probe, "PATIENCE", 0.5)
    code = "import sys, time; print('{\"ready\": true}', flush=True); time.sleep(60)"
    assert examine([SMALL], [sys.executable, "-c", code]) == {SMALL: "no end within 1 s"}


@pytest.mark.parametrize("program", [[sys.executable, "-c", ""], ["no-such-program"]])
def test_a_process_that_never_starts_is_an_error(program):
    with pytest.raises(ProbeError):
        examine([SMALL], program)


@pytest.fixture
def cannot_be_tried(monkeypatch):
    def examine(convolutions):
        raise ProbeError("no more processes")

    monkeypatch.setattr(amx, "in_use", lambda: True)
    monkeypatch.setattr(probe, "examine", examine)


@pytest.mark.parametrize(("width", "dtype"), [(40, torch.bfloat16), (64, torch.float32)])
@pytest.mark.usefixtures("cannot_be_tried")
def test_what_cannot_be_tried_is_trusted_on_narrow_slices_only(balls, convolved, width, dtype):
    flat(balls, width=width)
    assert {one[1] for one in convolved if one[2] == width and one[4] == (1, 1, 1)} == {dtype}


@pytest.mark.parametrize(("slices", "doubtful"), [(5, True), (15, True), (16, False)])
@pytest.mark.usefixtures("torch_2_15", "cannot_be_tried")
def test_many_slices_are_trusted_on_any_axis(slices, doubtful):
    for width in (96, 128):
        one = replace(SMALL, shape=(2, slices, width, width))
        assert bool(amx._judge([one], {})[one]) == doubtful


def test_costs_are_measured():
    for precision in ("bfloat16", "float32"):
        (seconds,) = measure([SMALL], precision).values()
        assert 0 < seconds < 1


class StoppedError(Exception):
    pass


def begun(balls, monkeypatch):
    """A training that was interrupted, for which one convolution was found faulty."""

    def examine(convolutions):
        return {one: "wrong" if one.transposed else "" for one in convolutions}

    def stop(done, total, note=""):
        if done == 5:
            raise StoppedError

    monkeypatch.setattr(amx, "in_use", lambda: True)
    monkeypatch.setattr(probe, "examine", examine)
    config = NNUNetConfig(**(balls.tiny | {"precision": "bfloat16"}))
    whole, again = NNUNet(config), NNUNet(config)
    whole.fit(balls.cases(2), balls.labels, balls.context("whole"))
    with pytest.raises(StoppedError):
        again.fit(balls.cases(2), balls.labels, balls.context("work", progress=stop))
    return balls.weights(whole, "whole_saved"), again


def test_a_resumed_training_decides_as_it_began(balls, monkeypatch):
    whole, again = begun(balls, monkeypatch)
    monkeypatch.setattr(probe, "examine", lambda ones: dict.fromkeys(ones, "all wrong now"))
    again.fit(balls.cases(2), balls.labels, balls.context("work"))
    assert balls.weights(again, "again_saved") == whole
    notes = [balls.folder / name / "record/bfloat16.json" for name in ("whole", "work")]
    assert notes[0].read_text() == notes[1].read_text()
    assert json.loads(notes[0].read_text())["float32"] == ["decoder.transpconvs.0"]


@pytest.mark.parametrize("change", ["machine", "damage", "work"])
def test_verdicts_of_another_machine_or_work_do_not_count(balls, monkeypatch, change, cache):
    _, again = begun(balls, monkeypatch)
    shutil.rmtree(cache)
    note = balls.folder / "work/record/bfloat16.json"
    content = json.loads(note.read_text())
    content["machine"]["torch"] = "2.14.0"
    if change == "machine":
        note.write_text(json.dumps(content))
    if change == "damage":
        note.write_text("[1")
    tried = []
    monkeypatch.setattr(
        probe, "examine", lambda ones: tried.extend(ones) or dict.fromkeys(ones, "")
    )
    seed = 8 if change == "work" else 7
    again.fit(balls.cases(2), balls.labels, balls.context("work", seed=seed))
    assert len(tried) == len(content["convolutions"])
    assert json.loads(note.read_text())["float32"] == []


TRAINS = """
import sys, torch
from pathlib import Path
from past_core.case import Case, Domain
from past_core.interfaces import Context
from past_core.labels import Labels
from past_seg.nnunet.config import ResUNetConfig
from past_seg.nnunet.segmenter import ResUNet

folder = Path(sys.argv[1])
cases = [
    Case(f"ball{n}", Domain.SOURCE, folder / f"ball{n}.nii.gz", folder / f"ball{n}_label.nii.gz")
    for n in range(2)
]
ResUNet(ResUNetConfig.model_validate_json(sys.argv[2])).fit(
    cases, Labels(("ball",)), Context(folder / "work", seed=7)
)
"""


@pytest.mark.slow
@pytest.mark.skipif(not amx.in_use(), reason="the fault needs a CPU with AMX")
def test_training_on_a_last_axis_of_96_survives_amx(balls):
    """The heap is watched, since not every write past a buffer ends the process."""
    balls.cases(2, shape=(96, 96, 5), affine=np.diag([1, 1, 6, 1]))
    size = {"base_features": 8, "max_features": 32, "iterations": 5}
    config = ResUNetConfig(**(balls.tiny | FLAT | size))
    command = [sys.executable, "-c", TRAINS, str(balls.folder), config.model_dump_json()]
    done = subprocess.run(command, check=False, env={**os.environ, **probe.STRICT_HEAP})
    assert done.returncode == 0
    note = json.loads((balls.folder / "work/record/bfloat16.json").read_text())
    assert 0 < len(note["float32"]) < len(note["convolutions"])


def test_a_copy_of_a_layer_kept_in_float32_computes_with_its_own_weights():
    """Finds a teacher that answers with its student's weights."""
    layer = torch.nn.Conv3d(1, 2, 3)
    amx.keep_in_float32(layer)
    teacher = copy.deepcopy(layer)
    torch.nn.init.zeros_(teacher.weight)
    torch.nn.init.zeros_(teacher.bias)
    x = torch.randn(1, 1, 4, 4, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found, own = teacher(x), layer(x)
    assert not found.any()
    assert own.any()
    assert found.dtype == own.dtype == torch.bfloat16
    assert torch.allclose(
        own.float(), torch.nn.functional.conv3d(x, layer.weight, layer.bias), atol=0.02
    )

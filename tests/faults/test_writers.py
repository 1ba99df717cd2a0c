"""Every writer, native code's too, names the file that it cannot write whole, and leaves none."""

from __future__ import annotations

import errno
import resource
import signal
from contextlib import contextmanager

import numpy as np
import pytest

from past_core.disk import disk_error
from past_core.files import atomic_path, copy_file, write_json
from past_core.probabilities import save_probabilities
from past_core.volume import Volume, save_volume

NOISE = np.random.default_rng(0).random((3, 16, 16, 16)).astype(np.float32)


@contextmanager
def largest_file(size):
    """The kernel lets no file of this process grow beyond."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def save_array(path):
    with atomic_path(path) as temporary:
        np.save(temporary, NOISE)


def save_weights(path):
    import torch

    from past_gan.training.checkpoint import write

    write(path, {"weight": torch.from_numpy(NOISE)}, {"kind": "x"})


def save_segmenter(path):
    import torch

    from past_seg.nnunet.storage import Saved, write

    weights = {"weight": torch.from_numpy(NOISE)}
    write(Saved("nnunet", {}, ("vs",), {}, {}, weights), path.parent)


def save_state(path):
    import torch

    from past_seg.nnunet.checkpoints import save_state

    save_state({"network": torch.from_numpy(NOISE)}, path)


WRITERS = {
    "x.json": lambda path: write_json(path, {"values": NOISE}),
    "x.npy": save_array,
    "x.nii.gz": lambda path: save_volume(Volume(NOISE[0], np.eye(4)), path),
    "x.npz": lambda path: save_probabilities(Volume(NOISE, np.eye(4)), path, "half"),
    "x_p.nii.gz": lambda path: save_probabilities(Volume(NOISE, np.eye(4)), path, "8bit"),
    "copy": lambda path: copy_file(path.with_name("origin"), path),
    "x.safetensors": save_weights,
    "weights.safetensors": save_segmenter,
    "x.pt": save_state,
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("size", [0, 1000, 4097])
def test_what_cannot_be_written_whole_is_named_and_not_there(tmp_path, name, size):
    (tmp_path / "origin").write_bytes(NOISE.tobytes())
    path = tmp_path / name
    with largest_file(size), pytest.raises(OSError, match=r".") as caught:
        WRITERS[name](path)
    assert caught.value.filename == str(path)
    assert caught.value.errno is not None
    assert [one.name for one in tmp_path.iterdir()] == ["origin"]


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errno.ENOSPC, "MiB free of .* Make room there"),
        (errno.EDQUOT, "on your quota"),
        (errno.EROFS, "mounted writable"),
        (errno.EACCES, "owner or the mode"),
        (errno.EIO, "dmesg"),
        (errno.EMFILE, "ulimit -n"),
        (errno.EBUSY, "Check the space and the permissions"),
    ],
)
def test_each_failure_has_its_remedy(tmp_path, code, remedy):
    told = disk_error(OSError(code, "reason", str(tmp_path / "x")), tmp_path)
    assert str(told).startswith(f"{tmp_path / 'x'}: reason")
    with pytest.raises(type(told), match=remedy):
        raise told

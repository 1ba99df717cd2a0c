"""Files that cannot be read any more while a run is under way."""

from __future__ import annotations

import os
import shutil

import pytest

from past_core.files import load_json
from past_core.pipeline.manifest import read_manifest
from past_core.pipeline.outputs import changed
from tests.faults.commands import Toy
from tests.faults.disk import fail_everywhere, goes_on, refused
from tests.faults.injected import EachSiteOnce
from tests.faults.test_drivers import Held, training
from tests.faults.wholeness import finished


def test_a_scan_that_cannot_be_read_is_named_and_the_same_command_goes_on(
    toy, undisturbed, tmp_path
):
    one = Toy(tmp_path / "place", toy.data)
    inject = EachSiteOnce(toy.data, tmp_path / "failed", 3, 0, reading=True)
    assert fail_everywhere(one, inject) >= 1
    goes_on(one, undisturbed)


def test_a_label_that_is_gone_when_it_is_scored(toy, undisturbed, tmp_path):
    one = Toy(tmp_path / "place", shutil.copytree(toy.data, tmp_path / "data"))
    command = one.start(Held(tmp_path / "gate"))
    assert command.wait_for(training(one))
    label = next(one.data.rglob("*_212_Label.nii.gz"))
    away = label.rename(tmp_path / label.name)
    (tmp_path / "gate").write_text("")
    refused(one, command.ended(), str(label), place=one.data)
    away.rename(label)
    goes_on(one, undisturbed)


def test_a_stage_whose_file_rots_is_named_and_is_to_be_deleted(toy, undisturbed, tmp_path):
    """Neither size nor time tell; but what is read does not fit its checksum."""
    one = Toy(tmp_path / "place", toy.data)
    assert Toy(one.place, one.data, more=("--until", "translate")).go().code == 0
    (folder,) = one.stages.glob("translate-aligned-*")
    image = min(folder.glob("*_image.nii.gz"))
    state, content = image.stat(), bytearray(image.read_bytes())
    content[len(content) // 2] ^= 0xFF
    image.write_bytes(content)
    os.utime(image, ns=(state.st_atime_ns, state.st_mtime_ns))
    for _ in range(2):
        said = one.go()
        assert said.code == 1
        assert f"{image}: damaged since its stage was finished. Delete {folder}" in said.text
    shutil.rmtree(folder)
    goes_on(one, undisturbed)


def test_a_file_that_cannot_be_read_is_neither_lost_nor_changed(tmp_path):
    """By a file whose reading fails on any Linux: address 0 of a process."""
    path = tmp_path / "model"
    path.symlink_to("/proc/self/mem")
    was = {"size": 0, "time": 0, "sha256": "of what it was"}
    with pytest.raises(OSError, match="Input/output error") as caught:
        changed(tmp_path, {"model": was})
    assert caught.value.filename == str(path)
    with pytest.raises(OSError, match="Input/output error") as caught:
        load_json(path)
    assert caught.value.filename == str(path)
    (tmp_path / "manifest.json").symlink_to("/proc/self/mem")
    with pytest.raises(OSError, match="Input/output error"):
        read_manifest(tmp_path)
    assert changed(tmp_path, {"gone": was, "gone/below": was, "x\0": was}) == [
        *("gone", "gone/below", "x\0")
    ]


def test_a_training_is_not_thrown_away_where_the_disk_does_not_answer(toy, undisturbed, tmp_path):
    """Neither a manifest nor a model that cannot be read right now is taken for damaged."""
    one = Toy(tmp_path / "place", toy.data)
    shutil.copytree(toy.run, one.run)
    done = finished(one.stages)
    inject = EachSiteOnce(one.stages, tmp_path / "failed", 1, 0, reading=True)
    for _ in range(3):
        refused(one, one.go(inject), "Input/output error")
    assert finished(one.stages) == done
    goes_on(one, undisturbed)
    assert finished(one.stages) == done

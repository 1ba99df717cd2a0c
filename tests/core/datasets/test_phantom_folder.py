"""The phantom on disk: whole or not at all, and never mixed with something else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from past_core.datasets.crossmoda.edition2021 import CrossModaConfig, CrossModaReader
from past_core.datasets.phantom import scan as phantom_module
from past_core.datasets.phantom.config import PhantomConfig
from past_core.datasets.phantom.dataset import PhantomReader, write_phantom
from past_core.datasets.phantom.scan import scan
from past_core.errors import DataError

TINY = PhantomConfig(source=2, target=2, test=1, matrix=56, slices=8)


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_two_phantoms_of_one_seed_are_the_same_to_the_byte(tmp_path):
    for name in ("one", "two"):
        write_phantom(tmp_path / name, TINY)
    one = contents(tmp_path / "one")
    assert one == contents(tmp_path / "two")
    assert len(one) == 2 * 5 + 2


def test_what_is_read_back_is_what_was_scanned(tmp_path):
    dataset = PhantomReader(TINY).open(tmp_path / "data")
    image, label = scan(TINY, 107, "384")
    case = dataset.target[1]
    np.testing.assert_array_equal(case.load_image().data, image.data)
    np.testing.assert_array_equal(case.load_label().data, label.data)
    np.testing.assert_allclose(case.load_image().affine, image.affine, atol=1e-4)


def test_a_phantom_that_is_there_is_not_made_again(tmp_path):
    folder = tmp_path / "data"
    first = PhantomReader(TINY).open(folder)
    changed = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert PhantomReader(TINY).open(folder) == first
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == changed


def test_the_crossmoda_reader_opens_it_with_its_protocols(tmp_path):
    folder = tmp_path / "data"
    expected = PhantomReader(TINY).open(folder)
    reader = CrossModaReader(CrossModaConfig())
    assert reader.recognises(folder)
    assert not PhantomReader(TINY).recognises(folder)
    opened = reader.open(folder)
    assert (opened.source, opened.target, opened.test) == (
        expected.source,
        expected.target,
        expected.test,
    )
    assert [case.protocol for case in opened.target] == ["448", "384"]
    # The built-in phantom has one region; its folder, as any of crossMoDA, the paper's two.
    assert expected.translation_roi is None
    assert opened.translation_roi is not None
    assert opened.roi == expected.roi


def test_only_one_protocol_is_scanned_where_one_is_asked_for(tmp_path):
    config = TINY.model_copy(update={"protocols": ("384",)})
    dataset = PhantomReader(config).open(tmp_path / "data")
    assert {case.protocol for case in (*dataset.target, *dataset.test)} == {"384"}


def test_a_folder_with_another_phantom_is_refused_with_the_difference(tmp_path):
    write_phantom(tmp_path, TINY)
    with pytest.raises(DataError) as error:
        write_phantom(tmp_path, TINY.model_copy(update={"seed": 5, "noise": 0.1}))
    message = str(error.value)
    assert str(tmp_path) in message
    assert "seed 1 there, 5 asked for" in message
    assert "noise 0.03 there, 0.1 asked for" in message
    assert "Name another folder" in message


def test_a_phantom_of_an_older_version_is_refused(tmp_path):
    write_phantom(tmp_path, TINY)
    path = tmp_path / "phantom.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"generation": 0}))
    with pytest.raises(DataError, match="holds a phantom of generation 0"):
        write_phantom(tmp_path, TINY)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"generation": 1, "config": {"sed": 1}}'])
def test_a_damaged_record_is_named(tmp_path, text):
    write_phantom(tmp_path, TINY)
    (tmp_path / "phantom.json").write_text(text)
    with pytest.raises(DataError, match=r"phantom\.json: not a phantom's record"):
        write_phantom(tmp_path, TINY)


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match="not empty and holds no phantom"):
        write_phantom(tmp_path, TINY)
    assert contents(tmp_path) == {"thesis.txt": b"years of work"}


def test_an_empty_folder_is_filled(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    write_phantom(folder, TINY)
    assert (folder / "phantom.json").is_file()


def test_a_lost_file_is_found_missing(tmp_path):
    write_phantom(tmp_path, TINY)
    (tmp_path / "source_training/crossmoda_2_Label.nii.gz").unlink()
    with pytest.raises(DataError, match=r"crossmoda_2_ceT1\.nii\.gz: no label beside it"):
        PhantomReader(TINY).open(tmp_path)


def test_a_failure_halfway_leaves_nothing(tmp_path, monkeypatch):
    def full_disk(config, number, sequence):
        if number > 1:
            raise OSError(28, "No space left on device")
        return scan(config, number, sequence)

    monkeypatch.setattr(phantom_module, "scan", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_phantom(tmp_path / "data", TINY)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_run_leaves_no_phantom_and_the_next_makes_the_whole(tmp_path):
    config = TINY.model_copy(update={"source": 100})
    code = (
        "import sys; from pathlib import Path\n"
        "from past_core.datasets.phantom.config import PhantomConfig\n"
        "from past_core.datasets.phantom.dataset import write_phantom\n"
        "write_phantom(Path(sys.argv[1]), PhantomConfig.model_validate_json(sys.argv[2]))"
    )
    folder = tmp_path / "data"
    child = subprocess.Popen([sys.executable, "-c", code, str(folder), config.model_dump_json()])
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".*.partial.data/source_training/*")):
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert not folder.exists()
    assert [path.name for path in tmp_path.iterdir()] == [f".{child.pid}.partial.data"]

    write_phantom(folder, TINY)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    write_phantom(tmp_path / "undisturbed", TINY)
    assert contents(folder) == contents(tmp_path / "undisturbed")


def test_validation_heads_are_other_subjects_and_change_no_others(tmp_path):
    plain, more = (
        PhantomReader(TINY.model_copy(update={"test": 2, "validation": n})).open(tmp_path / str(n))
        for n in (0, 2)
    )
    assert [case.id for case in more.validation] == ["crossmoda_1001", "crossmoda_1002"]
    assert [case.protocol for case in more.validation] == ["448", "384"]
    for part in ("source", "target", "test"):
        pairs = zip(plain.parts()[part], more.parts()[part], strict=True)
        assert all(a.image.read_bytes() == b.image.read_bytes() for a, b in pairs)
    images = {case.image.read_bytes() for case in more.cases()}
    assert len(images) == len([*more.cases()])

"""Segmentations lie where users look for them, under their scans' names, as they were made."""

from __future__ import annotations

import gzip
import os

import nibabel as nib
import numpy as np
import pytest

from past_core.case import Case, Domain
from past_core.exported import load_system
from past_core.pipeline.layout import STAGES, label_path
from past_core.pipeline.publishing import file_names, publish
from past_core.volume import load_volume, save_volume


def files_of(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_every_system_has_its_segmentations_under_the_official_names(run, request_of, stage_of):
    done, _ = run(request_of(rounds=0))
    assert files_of(done.folder / "segmentations") == [
        f"{system}/crossmoda_{n}_Label.nii.gz"
        for system in sorted(("no-da", "translated", "final"))
        for n in (211, 212)
    ]
    made = label_path(stage_of(done, "combine-translated"), "crossmoda_212")
    kept = done.segmentations("translated") / "crossmoda_212_Label.nii.gz"
    assert kept.read_bytes() == made.read_bytes()


def test_the_answer_is_the_last_system_that_sees_no_target_label(run, request_of):
    done, _ = run(request_of(rounds=0, oracle=True))
    assert done.systems[-1] == "oracle"
    assert done.answer == "final"
    done, _ = run(request_of(rounds=0, oracle=True, only=("oracle",)))
    assert done.answer is None
    assert files_of(done.folder / "segmentations") == [
        f"oracle/crossmoda_{n}_Label.nii.gz" for n in (211, 212)
    ]


def test_what_is_there_is_not_copied_again_and_what_is_lost_is(run, request_of):
    request = request_of(rounds=0, only=("no-da",))
    done, _ = run(request)
    first, second = sorted(done.segmentations("no-da").iterdir())
    node = first.stat().st_ino
    second.unlink()
    publish(done)
    assert first.stat().st_ino == node
    assert second.is_file()


@pytest.fixture
def plain_scans(phantom_folder, tmp_path):
    """The phantom's scans in folders of their own, with labels; target scans are .nii."""
    for n, path in enumerate(sorted((phantom_folder / "source_training").glob("*_ceT1.nii.gz"))):
        label = path.with_name(path.name.replace("ceT1", "Label"))
        for origin, name in ((path, "source"), (label, "labels")):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / f"{n}.nii.gz").write_bytes(origin.read_bytes())
    for path in sorted((phantom_folder / "target_training").glob("*_hrT2.nii.gz")):
        (tmp_path / "target").mkdir(exist_ok=True)
        packed = gzip.decompress(path.read_bytes())
        (tmp_path / "target" / path.name.removesuffix(".gz")).write_bytes(packed)
    return tmp_path


def test_without_test_scans_the_targets_are_segmented_under_their_own_names(
    run, request_of, plain_scans
):
    folders = {"source": "source", "source_labels": "labels", "target": "target"}
    assignments = tuple(f'dataset.{key}="{plain_scans / name}"' for key, name in folders.items())
    done, _ = run(
        request_of(data=plain_scans, dataset="folders", assignments=assignments, rounds=0)
    )
    scans = sorted((plain_scans / "target").iterdir())
    answers = sorted(done.segmentations(done.answer).iterdir())
    assert [path.name for path in answers] == [path.name for path in scans]
    for scan, answer in zip(scans, answers, strict=True):
        image, label = load_volume(scan), load_volume(answer, np.uint8)
        assert label.shape == image.shape
        assert np.array_equal(label.affine, image.affine)
        assert label.data.any()
    assert done.scores() == []


def test_scans_of_one_name_are_called_after_their_ids(tmp_path):
    def case(name, part, **more):
        return Case(name, Domain.TARGET, tmp_path / part / "1.nii", **more)

    names = file_names([case("1", "a"), case("test-1", "b"), case("2", "c", segmentation="2.nii")])
    assert names == {"1": "1.nii.gz", "test-1": "test-1.nii.gz", "2": "2.nii"}


def test_a_segmentation_made_anew_is_copied_anew(run, request_of, stage_of):
    done, _ = run(request_of(rounds=0, only=("no-da",)))
    path = label_path(stage_of(done, "combine-no-da"), "crossmoda_211")
    volume = load_volume(path, np.uint8)
    volume.data[:] = 1
    save_volume(volume, path)
    publish(done)
    kept = done.segmentations("no-da") / "crossmoda_211_Label.nii.gz"
    assert (load_volume(kept).data == 1).all()
    assert path.parent.parent == done.folder / STAGES


@pytest.mark.parametrize("precision", ["half", "8bit"])
def test_probabilities_of_the_answer_lie_beside_its_segmentations(
    run, request_of, registry, precision
):
    """On the scans' own grids, the same that the kept system gives; nothing else is made again."""
    plain, _ = run(request_of(rounds=0))
    done, observed = run(request_of(rounds=0, probabilities=precision))
    assert observed.ran == ["probabilities-final"]
    ending = {"half": ".npz", "8bit": ".nii.gz"}[precision]
    files = [name for name in files_of(done.folder / "segmentations") if "probab" in name]
    assert files == [f"final/crossmoda_{n}_Label_probabilities{ending}" for n in (211, 212)]
    loaded = load_system(done.folder, registry=registry)
    for entry in (entry for entry in done.inventory["cases"] if entry["part"] == "test"):
        path = done.segmentations("final") / f"{entry['id']}_Label_probabilities{ending}"
        expected = loaded.segment(entry["image"]).probabilities()
        if precision == "half":
            kept = np.load(path)
            assert np.array_equal(kept["probabilities"], expected.data.astype(np.float16))
            assert np.array_equal(kept["affine"], expected.affine)
        else:
            image = nib.load(path)
            assert np.array_equal(
                image.affine.astype(np.float32), expected.affine.astype(np.float32)
            )
            found = np.moveaxis(image.get_fdata(), -1, 0)
            assert np.abs(found - expected.data).max() <= 0.5 / 255 + 1e-6
    assert plain.folder == done.folder
    again, _ = run(request_of(rounds=0))
    assert not [name for name in files_of(again.folder / "segmentations") if "probab" in name]


def test_probabilities_are_kept_of_the_one_system_that_is_asked_for(run, request_of):
    request = request_of(rounds=0, only=("no-da",), probabilities="half", until="segment")
    done, _ = run(request)
    names = [path.name for path in done.segmentations("no-da").iterdir()]
    assert sorted(names)[1] == "crossmoda_211_Label_probabilities.npz"


def test_equal_times_do_not_make_other_segmentations_the_same(run, request_of, stage_of):
    """As in a copy of a run folder that keeps no times, when settings have been changed back."""
    done, _ = run(request_of(rounds=0))
    made = label_path(stage_of(done, "combine-translated"), "crossmoda_212")
    other = label_path(stage_of(done, "combine-no-da"), "crossmoda_212")
    kept = done.segmentations("translated") / "crossmoda_212_Label.nii.gz"
    assert made.read_bytes() != other.read_bytes()
    kept.write_bytes(other.read_bytes())
    os.utime(kept, ns=(0, made.stat().st_mtime_ns))
    publish(done)
    assert kept.read_bytes() == made.read_bytes()

"""Pictures of self-training show what was kept, and of which scans."""

from __future__ import annotations

import json

import numpy as np
import pytest
from matplotlib.image import imread

from past_cli.panels import draw_panels
from past_core.pipeline import open_run
from past_core.volume import Volume, save_volume

SHAPE = (20, 16, 6)


@pytest.fixture
def run_of(tmp_path):
    """A run of a model with rounds, and the pseudo-labels of three target scans in each."""

    def make(labels_of, models=("net",), rounds=2):
        affine = np.diag([1, 1, 3, 1.0])
        stages, selections = ["crop-target-0123456789ab"], []
        for n in range(3):
            image = np.full(SHAPE, 120, np.float32)
            save_volume(Volume(image, affine), tmp_path / f"stages/{stages[0]}/t{n}_image.nii.gz")
        for model in models:
            for k in range(1, rounds + 1):
                stages.append(f"select-{model}-st{k}-0123456789ab")
                folder = tmp_path / "stages" / stages[-1]
                selections.append({"model": model, "round": k, "stage": stages[-1]})
                cases = {}
                for n in range(3):
                    label = labels_of(k, n).astype(np.uint8)
                    save_volume(Volume(label, affine), folder / f"t{n}_label.nii.gz")
                    counts = {"background": 1, "vs": 1, "cochlea": 1}
                    cases[f"t{n}"] = {"domain": "target", "weight": 1.0, "predicted": counts}
                    none = dict.fromkeys(counts, 0)
                    cases[f"t{n}"] |= {"kept": counts, "guessed": none}
                (folder / "selection.json").write_text(json.dumps({"cases": cases}))
        record = {
            "stages": stages,
            "selections": selections,
            "labels": {"background": 0, "vs": 1, "cochlea": 2},
            "scans": {"target": stages[0]},
            "cases": {"source": [], "target": ["t0", "t1", "t2"], "test": []},
            "translations": [],
            "systems": [],
        }
        (tmp_path / "run.json").write_text(json.dumps(record))
        return open_run(tmp_path)

    return make


def colours(path):
    """Shares of red (the first structure), blue (ignored) and grey in a picture."""
    red, green, blue = (imread(path)[..., n] for n in range(3))
    return (
        float(((red > green + 0.2) & (red > blue + 0.2)).mean()),
        float(((blue > red + 0.1) & (blue > green + 0.1)).mean()),
    )


def labels_of(k, n):
    """Round 1 keeps the structure; round 2 nothing at all."""
    label = np.full(SHAPE, 3)
    if k == 1:
        label[2:, 4:] = 0
        label[6:14, 5:12, n] = 1
    return label


def test_each_model_has_a_picture_of_its_rounds(run_of):
    drawn = draw_panels(run_of(labels_of, ("net", "net@448")))
    assert [path.name for path in drawn] == [
        "pseudo-labels-net.png",
        "pseudo-labels-net@448.png",
    ]
    red, blue = colours(drawn[0])
    assert red > 0.02
    assert blue > 0.1


def test_structures_are_shown_where_they_are_and_what_is_ignored_as_such(run_of):
    (nothing,) = draw_panels(run_of(lambda k, n: np.full(SHAPE, 3), rounds=1))
    assert colours(nothing)[0] == 0
    whole = colours(nothing)[1]
    (half,) = draw_panels(run_of(lambda k, n: np.where(np.indices(SHAPE)[0] < 10, 0, 3), rounds=1))
    assert colours(half)[1] == pytest.approx(whole / 2, rel=0.1)
    (structure,) = draw_panels(run_of(lambda k, n: np.ones(SHAPE), rounds=1))
    assert colours(structure)[0] == pytest.approx(whole, rel=0.1)
    assert colours(structure)[1] == 0


def test_without_target_images_nothing_is_drawn(run_of):
    run = run_of(labels_of)
    for path in (run.folder / "stages" / "crop-target-0123456789ab").iterdir():
        path.unlink()
    assert draw_panels(run) == []


def test_rounds_of_other_scans_show_those_that_all_have(run_of):
    """Finds a picture that fails for a scan which a later round leaves out."""
    run = run_of(labels_of)
    folder = run.folder / "stages" / "select-net-st2-0123456789ab"
    said = json.loads((folder / "selection.json").read_text())
    del said["cases"]["t1"]
    (folder / "selection.json").write_text(json.dumps(said))
    (folder / "t1_label.nii.gz").unlink()
    assert len(draw_panels(run)) == 1

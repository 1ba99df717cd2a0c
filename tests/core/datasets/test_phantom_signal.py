"""Signal equations in their textbook limits; noise, shading and partial volume."""

from __future__ import annotations

import numpy as np
import pytest

from past_core.datasets.phantom.anatomy import Tissue
from past_core.datasets.phantom.signal import (
    SEQUENCES,
    TISSUES,
    Relaxation,
    acquire,
    balanced_steady_state,
    block_mean,
    spin_echo,
    spoiled_gradient_echo,
)


def test_every_tissue_has_a_signal_in_every_sequence():
    for sequence in SEQUENCES.values():
        signals = [sequence(tissue) for tissue in Tissue]
        assert np.isfinite(signals).all()
        assert min(signals) >= 0
        assert sequence(Tissue.AIR) == 0


def test_a_right_angle_pulse_after_full_recovery_shows_density_and_t2_decay():
    tissue = Relaxation(0.8, 500, 40)
    signal = spoiled_gradient_echo(tissue, tr=50_000, te=20, flip=90)
    assert signal == pytest.approx(0.8 * np.exp(-20 / 40))
    assert spin_echo(tissue, tr=50_000, te=20) == pytest.approx(signal)


def test_a_spoiled_gradient_echo_is_brightest_at_the_ernst_angle():
    tissue = Relaxation(1.0, 800, 80)
    ernst = np.rad2deg(np.arccos(np.exp(-20 / 800)))
    best, *others = (
        spoiled_gradient_echo(tissue, tr=20, te=0, flip=angle)
        for angle in (ernst, ernst - 3, ernst + 3)
    )
    assert best > max(others)


def test_balanced_steady_state_depends_on_the_ratio_of_t1_and_t2():
    a = np.deg2rad(50)
    for t1, t2 in ((4000, 2000), (1000, 100)):
        expected = np.sin(a) / (1 + np.cos(a) + (1 - np.cos(a)) * t1 / t2)
        signal = balanced_steady_state(Relaxation(1.0, t1, t2), tr=0.01, flip=50)
        assert signal == pytest.approx(expected, rel=1e-3)


def test_contrast_agent_shortens_t1_and_brightens():
    tumour = TISSUES[Tissue.TUMOUR]
    assert tumour.enhanced_t1 == pytest.approx(1 / (1 / 1300 + 4.5e-3 * 0.6))
    assert SEQUENCES["ceT1"](Tissue.TUMOUR) > 2 * SEQUENCES["ceT1"](Tissue.WHITE)


def test_moving_blood_is_void_in_the_spin_echo_alone():
    assert SEQUENCES["384"](Tissue.VESSEL) == 0
    assert SEQUENCES["448"](Tissue.VESSEL) > SEQUENCES["448"](Tissue.GREY)


def test_a_voxel_has_the_mean_signal_of_what_it_holds():
    fine = np.arange(4 * 6 * 2, dtype=np.float32).reshape(4, 6, 2)
    coarse = block_mean(fine, 2)
    assert coarse.shape == (2, 3, 1)
    assert coarse[1, 2, 0] == fine[2:4, 4:6, :].mean()
    assert coarse.mean() == pytest.approx(fine.mean())


def image_of(tissue, noise, shading, seed=0):
    fine = np.full((64, 64, 16), tissue, np.uint8)
    rng = np.random.default_rng(seed)
    return acquire(fine, 2, "448", noise=noise, shading=shading, rng=rng).astype(float)


def test_noise_in_air_is_rayleigh_distributed():
    air = image_of(Tissue.AIR, 0.05, 0)
    # Mean over standard deviation of a Rayleigh distribution: sqrt(pi / (4 - pi)).
    assert air.mean() / air.std() == pytest.approx(np.sqrt(np.pi / (4 - np.pi)), rel=0.05)
    assert (image_of(Tissue.AIR, 0, 0) == 0).all()


def test_shading_is_smooth_and_multiplies():
    plain, shaded = (image_of(Tissue.CSF, 0, shading) for shading in (0, 0.3))
    # Without shading only the texture varies.
    assert plain.std() / plain.mean() == pytest.approx(0.07, rel=0.1)
    field = shaded / plain
    assert field.std() > 0.1
    assert np.abs(np.diff(field, axis=0)).max() < 0.1 * np.ptp(field)

"""The plugins that past-core itself provides: data set readers, metrics, validators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from past_core.plugins import DatasetSpec, MetricSpec, ValidatorSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def past_datasets() -> Iterator[DatasetSpec]:
    """The crossMoDA challenges, other tools' layouts, file lists, folders, and the phantom."""
    yield DatasetSpec(
        name="crossmoda",
        summary="crossMoDA 2021 folders: source_training, target_training, target_validation.",
        factory="past_core.datasets.crossmoda.edition2021:CrossModaReader",
        config="past_core.datasets.crossmoda.edition2021:CrossModaConfig",
    )
    yield DatasetSpec(
        name="crossmoda2022",
        summary="crossMoDA 2022 folders: training_source, training_target; centres as protocols.",
        factory="past_core.datasets.crossmoda.later:CrossModa2022Reader",
        config="past_core.datasets.crossmoda.edition2021:CrossModaConfig",
    )
    yield DatasetSpec(
        name="crossmoda2023",
        summary="crossMoDA 2023 folders: TrainingSource, TrainingTarget; centres as protocols.",
        factory="past_core.datasets.crossmoda.later:CrossModa2023Reader",
        config="past_core.datasets.crossmoda.edition2021:CrossModaConfig",
    )
    yield DatasetSpec(
        name="nnunet-raw",
        summary="Two of nnU-Net's raw data sets, DatasetNNN_NAME, in one folder.",
        factory="past_core.datasets.nnunet_raw:NnunetRawReader",
        config="past_core.datasets.nnunet_raw:NnunetRawConfig",
    )
    yield DatasetSpec(
        name="decathlon",
        summary="Two Medical Segmentation Decathlon tasks, TaskNN_NAME, or MONAI data lists.",
        factory="past_core.datasets.decathlon:DecathlonReader",
        config="past_core.datasets.decathlon:DecathlonConfig",
    )
    yield DatasetSpec(
        name="bids",
        summary="BIDS with labels (dseg) among its derivatives.",
        factory="past_core.datasets.bids:BidsReader",
        config="past_core.datasets.bids:BidsConfig",
    )
    yield DatasetSpec(
        name="datalist",
        summary="A dataset.json with labels and lists of source, target and test files.",
        factory="past_core.datasets.datalist:DatalistReader",
        config="past_core.datasets.datalist:DatalistConfig",
    )
    yield DatasetSpec(
        name="folders",
        summary="Plain folders of scans and labels: --source, --source-labels, --target.",
        factory="past_core.datasets.folders:FoldersReader",
        config="past_core.datasets.folders:FoldersConfig",
    )
    yield DatasetSpec(
        name="phantom",
        summary="The built-in digital head phantom, written in crossMoDA layout.",
        factory="past_core.datasets.phantom.dataset:PhantomReader",
        config="past_core.datasets.phantom.config:PhantomConfig",
    )


@hookimpl
def past_metrics() -> Iterator[MetricSpec]:
    """Overlap, distances between surfaces, volumes and pieces; the first two are the default."""
    yield MetricSpec(
        name="dice",
        summary="Dice overlap, 0 to 1, higher is better.",
        factory="past_core.metrics.dice:Dice",
        config="past_core.metrics.config:DiceConfig",
        generation=2,
    )
    yield MetricSpec(
        name="assd",
        summary="Average symmetric surface distance in mm, lower is better.",
        factory="past_core.metrics.assd:ASSD",
        config="past_core.metrics.config:ASSDConfig",
        generation=2,
        higher_is_better=False,
    )
    yield MetricSpec(
        name="hd95",
        summary="Hausdorff distance of the 95th percentile in mm, lower is better.",
        factory="past_core.metrics.hausdorff:Hausdorff",
        config="past_core.metrics.config:HausdorffConfig",
        higher_is_better=False,
        default=False,
    )
    yield MetricSpec(
        name="surface-dice",
        summary="Portion of the surfaces within a tolerance, 0 to 1, higher is better.",
        factory="past_core.metrics.surface_dice:SurfaceDice",
        config="past_core.metrics.config:SurfaceDiceConfig",
        default=False,
    )
    yield MetricSpec(
        name="volume-error",
        summary="Error of the volume in ml, lower is better.",
        factory="past_core.metrics.volume_error:VolumeError",
        config="past_core.metrics.config:VolumeErrorConfig",
        higher_is_better=False,
        default=False,
    )
    yield MetricSpec(
        name="lesion-f1",
        summary="F1 of the detection of a structure's pieces, 0 to 1, higher is better.",
        factory="past_core.metrics.lesions:LesionF1",
        config="past_core.metrics.config:LesionConfig",
        default=False,
    )


@hookimpl
def past_validators() -> Iterator[ValidatorSpec]:
    """Figures of segmenters that need no label of the target."""
    yield ValidatorSpec(
        name="agreement",
        summary="Dice with the mean of all candidates, 0 to 1.",
        factory="past_core.validators.agreement:Agreement",
        config="past_core.validators.config:NoConfig",
    )
    yield ValidatorSpec(
        name="pairwise",
        summary="Mean Dice with each other candidate, 0 to 1.",
        factory="past_core.validators.pairwise:Pairwise",
        config="past_core.validators.config:NoConfig",
    )
    yield ValidatorSpec(
        name="flip",
        summary="Dice with the segmentation of the mirrored scan, 0 to 1.",
        factory="past_core.validators.flip:Flip",
        config="past_core.validators.config:NoConfig",
    )
    yield ValidatorSpec(
        name="affine",
        summary="Dice with the segmentation of the scan turned a little, 0 to 1.",
        factory="past_core.validators.affine:Affine",
        config="past_core.validators.config:AffineConfig",
    )
    yield ValidatorSpec(
        name="certainty",
        summary="1 minus the entropy near structures, 0 to 1.",
        factory="past_core.validators.certainty:Certainty",
        config="past_core.validators.config:NoConfig",
    )
    yield ValidatorSpec(
        name="nuclear-norm",
        summary="Whether voxels are sure and classes diverse, 0 to 1.",
        factory="past_core.validators.certainty:NuclearNorm",
        config="past_core.validators.config:NoConfig",
    )
    yield ValidatorSpec(
        name="volume",
        summary="Whether volumes are such as the source's labels have, 0 to 1.",
        factory="past_core.validators.volume:PlausibleVolume",
        config="past_core.validators.config:NoConfig",
    )
    yield ValidatorSpec(
        name="pieces",
        summary="Whether there are as many pieces as in the source's labels, 0 to 1.",
        factory="past_core.validators.anatomy:Pieces",
        config="past_core.validators.config:NoConfig",
    )
    yield ValidatorSpec(
        name="place",
        summary="Whether structures lie where the source's labels have them, 0 to 1.",
        factory="past_core.validators.anatomy:Place",
        config="past_core.validators.config:NoConfig",
    )

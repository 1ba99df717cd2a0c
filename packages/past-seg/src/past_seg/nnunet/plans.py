"""What is read from nnU-Net's plans without its planners, which take seconds to import.

Plans name Python classes that nnU-Net imports and calls, so those that come from a file are checked
against the few names that its planners write.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from past_seg.nnunet.plan_figures import check_figures

if TYPE_CHECKING:
    from past_seg.nnunet.folders import Json

__all__ = ["check_plans", "configuration_name"]

ARCHITECTURES = {
    "nnunet": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
    "resunet": "dynamic_network_architectures.architectures.unet.ResidualEncoderUNet",
}
IMPORTED = {
    "conv_op": "torch.nn.modules.conv.Conv3d",
    "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
    "nonlin": "torch.nn.LeakyReLU",
    "dropout_op": None,
}
"""What nnU-Net's planners write for the arguments that name a class to import."""


def configuration_name(plans: Json) -> str:
    """Name of the one configuration that plans of this project hold."""
    (name,) = plans["configurations"]
    return str(name)


def check_plans(plans: Json, kind: str) -> None:
    """Accept only names that nnU-Net's planners write for this kind of network.

    Raises
    ------
    ValueError, KeyError, TypeError, AttributeError
        If one is another, or these are no plans.
    """
    configuration = plans["configurations"][configuration_name(plans)]
    architecture = configuration["architecture"]
    arguments = architecture["arch_kwargs"]
    named: list[tuple[str, Any, Any]] = [
        ("network_class_name", architecture["network_class_name"], ARCHITECTURES[kind]),
        ("_kw_requires_import", sorted(architecture["_kw_requires_import"]), sorted(IMPORTED)),
        ("preprocessor_name", configuration["preprocessor_name"], "DefaultPreprocessor"),
        ("normalization_schemes", configuration["normalization_schemes"], ["ZScoreNormalization"]),
        ("image_reader_writer", plans["image_reader_writer"], "NibabelIO"),
        ("label_manager", plans["label_manager"], "LabelManager"),
        *((key, arguments[key], value) for key, value in IMPORTED.items()),
        *(
            (key, configuration[key], "resample_data_or_seg_to_shape")
            for key in ("resampling_fn_data", "resampling_fn_seg", "resampling_fn_probabilities")
        ),
    ]
    for key, value, expected in named:
        if value != expected:
            raise ValueError(f"plans: {key} is {value!r}, expected {expected!r}")
    check_figures(plans)
    joined = {
        "dataset_name": plans["dataset_name"],
        "plans_name": plans["plans_name"],
        "name of the configuration": configuration_name(plans),
        "data_identifier": configuration["data_identifier"],
    }
    for key, value in joined.items():
        if not re.fullmatch(r"\w[\w.-]*", value):  # folders are called so
            raise ValueError(f"plans: {key} is {value!r}, no plain name")

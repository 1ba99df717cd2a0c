"""The numbers that plans must have, and how large they may be, before nnU-Net goes by them."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

if TYPE_CHECKING:
    from past_seg.nnunet.folders import Json

__all__ = ["check_dataset", "check_figures"]

MOST_VOXELS = 1 << 27
"""Of a patch."""

Whole = Annotated[int, Field(ge=1, le=1 << 12)]
Blocks = Annotated[int, Field(ge=1, le=64)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Spacing = Annotated[float, Field(gt=0, le=1e4)]
Kernel = Annotated[int, Field(ge=1, le=7)]
Stride = Annotated[int, Field(ge=1, le=4)]
Order = Annotated[int, Field(ge=0, le=5)]


def _three(value: list[Any]) -> list[Any]:
    if len(value) != 3:
        raise ValueError("has not one entry for each of three axes")
    return value


def _axes(value: list[int]) -> list[int]:
    if sorted(value) != [0, 1, 2]:
        raise ValueError("is no order of three axes")
    return value


Axes = Annotated[list[int], AfterValidator(_axes)]


class _Planned(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class _Resampling(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    is_seg: bool
    order: Order
    order_z: Order
    force_separate_z: bool | None
    separate_z_anisotropy_threshold: Finite = 3.0


class _Norm(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    eps: Annotated[float, Field(gt=0, le=1)]
    affine: bool


class _Nonlinearity(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    inplace: bool


class _Arguments(_Planned):
    n_stages: Annotated[int, Field(ge=1, le=12)]
    features_per_stage: list[Whole]
    kernel_sizes: list[Annotated[list[Kernel], AfterValidator(_three)]]
    strides: list[Annotated[list[Stride], AfterValidator(_three)]]
    n_conv_per_stage_decoder: list[Blocks]
    n_conv_per_stage: list[Blocks] | None = None
    n_blocks_per_stage: list[Blocks] | None = None
    conv_bias: bool
    norm_op_kwargs: _Norm
    dropout_op_kwargs: None
    nonlin_kwargs: _Nonlinearity

    @model_validator(mode="after")
    def _as_many_as_stages(self) -> _Arguments:
        blocks = self.n_blocks_per_stage or self.n_conv_per_stage or []
        lists = (self.features_per_stage, self.kernel_sizes, self.strides, blocks)
        if {len(one) for one in lists} != {self.n_stages}:
            raise ValueError(f"lists are not all of {self.n_stages} stages")
        if len(self.n_conv_per_stage_decoder) != self.n_stages - 1:
            raise ValueError("the decoder has not one stage less")
        if any(side % 2 == 0 for kernel in self.kernel_sizes for side in kernel):
            raise ValueError("a kernel has an even size")
        return self


class _Architecture(_Planned):
    arch_kwargs: _Arguments


class _Configuration(_Planned):
    batch_size: Annotated[int, Field(ge=1, le=1 << 16)]
    patch_size: Annotated[list[Whole], AfterValidator(_three)]
    median_image_size_in_voxels: Annotated[list[Finite], AfterValidator(_three)]
    spacing: Annotated[list[Spacing], AfterValidator(_three)]
    use_mask_for_norm: Annotated[list[bool], Field(min_length=1, max_length=1)]
    resampling_fn_data_kwargs: _Resampling
    resampling_fn_seg_kwargs: _Resampling
    resampling_fn_probabilities_kwargs: _Resampling
    architecture: _Architecture
    batch_dice: bool

    @model_validator(mode="after")
    def _is_small(self) -> _Configuration:
        if prod(self.patch_size) > MOST_VOXELS:
            raise ValueError(f"patches of {self.patch_size} voxels")
        for axis, side in enumerate(self.patch_size):
            shrunk = prod(stride[axis] for stride in self.architecture.arch_kwargs.strides)
            if shrunk > side:
                raise ValueError(f"strides shrink patches of {side} voxels {shrunk} times")
        return self


class _Plans(_Planned):
    original_median_spacing_after_transp: Annotated[list[Spacing], AfterValidator(_three)]
    original_median_shape_after_transp: Annotated[list[Finite], AfterValidator(_three)]
    transpose_forward: Axes
    transpose_backward: Axes
    configurations: dict[str, _Configuration] = Field(min_length=1, max_length=1)
    foreground_intensity_properties_per_channel: dict[str, dict[str, Finite]]


class _Dataset(_Planned):
    channel_names: dict[str, str] = Field(min_length=1, max_length=1)
    labels: dict[str, int]
    file_ending: Literal[".nii"]


Form = TypeVar("Form", bound=BaseModel)


def _validated(form: type[Form], content: Json) -> Form:
    """The content as this form has it, or an error of one line."""
    try:
        return form.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def check_figures(plans: Json) -> None:
    """Accept only numbers that a plan can have.

    Raises
    ------
    ValueError
        If one is none, or they do not go with each other.
    """
    _validated(_Plans, plans)


def check_dataset(dataset: Json, structures: list[str]) -> None:
    """Accept only a ``dataset.json`` of these structures.

    Raises
    ------
    ValueError
        If it is another, or none.
    """
    names = [*_validated(_Dataset, dataset).labels.items()]
    expected = list(zip(["background", *structures, "ignore"], range(len(names)), strict=False))
    if names != expected or len(names) < len(structures) + 1 or not structures:
        raise ValueError(f"its labels are not {', '.join(map(str, structures))}")

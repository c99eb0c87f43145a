"""Members of a mixture in a model directory: JSON in the manifest, arrays under a prefix each."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from steelyard.blend import Calibration, Member, class_factors
from steelyard.engine import FittedPipeline, Training
from steelyard.errors import UsageError
from steelyard.features import FittedEncoder
from steelyard.models import ModelState, model_from_saved
from steelyard.strategy import Strategy


def member_state(
    member: Member, prefix: str, arrays: dict[str, NDArray[Any]], foreign: dict[str, Any]
) -> dict[str, Any]:
    """What the manifest says of a member; its arrays and foreign parts are put into the given dicts."""
    assert member.pipeline is not None
    encoder, encoder_arrays = member.pipeline.encoder.to_state()
    state = member.pipeline.model.to_state()
    if state.write is not None:
        raise UsageError(f"{member.training.model.name} cannot be saved as a part of a mixture; train it by itself")
    arrays |= {f"{prefix}.encoder.{key}": value for key, value in encoder_arrays.items()}
    arrays |= {f"{prefix}.model.{key}": value for key, value in state.arrays.items()}
    if state.foreign is not None:
        foreign[prefix] = state.foreign
    return {
        "strategy": member.training.strategy.to_dict(),
        "model": member.training.model.to_dict(),
        "weight": float(member.weight),
        "factors": member.factors.to_state(),
        "calibration": None if member.calibration is None else member.calibration.to_state(),
        "encoder": encoder,
        "model_state": state.meta,
    }


def restored_member(saved: dict[str, Any], prefix: str, arrays: dict[str, Any], foreign: Any) -> Member:
    """Member from what the manifest says of it."""
    model = model_from_saved(saved["model"])
    state = ModelState(saved["model_state"], _part(arrays, f"{prefix}.model."), foreign.get(prefix))
    encoder = FittedEncoder.from_state(saved["encoder"], _part(arrays, f"{prefix}.encoder."))
    calibration = saved["calibration"]
    return Member(
        Training(model, Strategy.from_dict(saved["strategy"])),
        float(saved["weight"]),
        class_factors(saved["factors"]),
        None if calibration is None else Calibration.from_state(calibration),
        FittedPipeline(encoder, model.restore(state)),
    )


def _part(arrays: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {key.removeprefix(prefix): value for key, value in arrays.items() if key.startswith(prefix)}

"""Which arms a study has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import ClassVar

from steelyard.decisions import Decision
from steelyard.engine import Training
from steelyard.errors import UsageError
from steelyard.losses import Loss
from steelyard.models import Model
from steelyard.strategy import Strategy


@dataclass(frozen=True)
class Arm:
    """One strategy on one model.

    Examples
    --------
    >>> from steelyard.models import Linear
    >>> Arm(Strategy.parse("inverse"), Linear()).id
    'inverse | linear'
    """

    strategy: Strategy
    model: Model

    @property
    def id(self) -> str:
        """Text form of both; unique in a study."""
        return f"{self.strategy} | {self.model}"

    @property
    def training(self) -> Training:
        """The part that decides the fit."""
        return Training.of(self.strategy, self.model)

    @property
    def trainings(self) -> tuple[Training, ...]:
        """All that is fitted for it."""
        return (self.training,)

    @property
    def decision(self) -> Decision:
        """Rule that makes labels of its probabilities."""
        assert isinstance(self.strategy.decision, Decision)
        return self.strategy.decision

    @property
    def does_nothing(self) -> bool:
        """Whether nothing is done about imbalance."""
        return self.strategy.does_nothing

    @property
    def title(self) -> str:
        """Its name in a sentence."""
        return f"{self.strategy} on {self.model}"


#: What stands for a mixture where a model, or a strategy, is named.
AUTO = "auto"


@dataclass(frozen=True)
class BlendArm:
    """A mixture of several trainings, whose shares and rule are found from their out-of-fold scores.

    Parameters
    ----------
    members : tuple of Training
        What may be mixed.
    """

    members: tuple[Training, ...]

    strategy: ClassVar[str] = AUTO
    model: ClassVar[str] = AUTO
    does_nothing: ClassVar[bool] = False
    id: ClassVar[str] = f"{AUTO} | {AUTO}"
    title: ClassVar[str] = f"{AUTO} (a mixture of arms)"

    @property
    def trainings(self) -> tuple[Training, ...]:
        """All that is fitted for it."""
        return self.members

    @property
    def decision(self) -> Decision:
        """Rule that makes labels of its probabilities: tuned for the study's metric, and careful with few rows."""
        rule = Strategy.parse("robust_multipliers").decision
        assert isinstance(rule, Decision)
        return rule


StudyArm = Arm | BlendArm


def make_arms(
    strategies: Iterable[Strategy], models: Iterable[Model], multilabel: bool = False
) -> tuple[tuple[Arm, ...], tuple[str, ...]]:
    """Every strategy on every model that can train it, and a sentence on each pair left out.

    Doing nothing is always an arm: without it there is nothing to compare with. Where rows may have several labels
    (``multilabel``) no rows are drawn by their class.

    Raises
    ------
    UsageError
        When no arm beside doing nothing is left of what was asked for.
    """
    wanted = dict.fromkeys([Strategy(), *strategies])
    arms, left_out = [], []
    for model in models:
        for strategy in wanted:
            arm = Arm(strategy, model)
            reason = _why_not(arm, multilabel)
            if reason:
                left_out.append(f"{arm.id}: {reason}")
            else:
                arms.append(arm)
    if len(wanted) > 1 and all(arm.strategy.does_nothing for arm in arms):
        raise UsageError(f"no model can train what was asked for: {'; '.join(left_out)}")
    return tuple(arms), tuple(left_out)


def _why_not(arm: Arm, multilabel: bool) -> str | None:
    """Why an arm cannot be trained, or None."""
    active, model = arm.strategy.active(), arm.model
    if multilabel and "sampling" in active:
        return f"{active['sampling']} draws rows by their one class; here they have several"
    if missing := _missing_extra(arm.strategy):
        return f"needs pip install 'steelyard[{missing}]'"
    training = arm.training
    if (training.weighting.in_passes or training.sampling.mixing) and not model.draws:
        part = training.weighting if training.weighting.in_passes else training.sampling
        return f"{part} needs a model that is trained in passes"
    if training.sampling.mixing and not model.mixes:
        return f"{training.sampling} mixes rows, and those of {model.name} cannot be mixed"
    if training.sampling.synthetic and model.encoding == "raw":
        return f"{training.sampling} makes up rows of numbers, and {model.name} reads texts, tokens or images"
    loss = active.get("loss")
    if loss is None:
        return None
    assert isinstance(loss, Loss)
    if not model.any_loss:
        return f"{model} is trained with its own loss only"
    if loss.cosine_scale is not None and not model.cosines:
        return f"{loss.name} needs a last layer of cosines, which {model} has not"
    # A model without a form for several labels is trained for each of them, with the loss of two classes.
    several = multilabel and model.multilabel and loss.multilabel
    if multilabel and not several and model.alone:
        return f"{loss} has no form for rows with several labels"
    if not several and not loss.multiclass:
        each = f", and {model} learns each by itself" if multilabel else ""
        return f"{loss} is for rows with several labels{each}"
    return None


def _missing_extra(strategy: Strategy) -> str | None:
    for part in strategy.active().values():
        if part.requires and find_spec(part.requires[0]) is None:
            return part.requires[1]
    return None

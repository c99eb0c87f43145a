"""Named lists of strategies, and the text form of a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from steelyard import registry
from steelyard.component import split_outside
from steelyard.errors import UsageError
from steelyard.strategy.value import Strategy

#: Preset -> strategies; ``tuned`` stands for the task's tuned decision rule.
PRESETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "quick": ("do_nothing", "inverse", "sqrt", "prior", "tuned", "sqrt + tuned"),
        "standard": (
            "do_nothing",
            "inverse",
            "sqrt",
            "effective_number(beta=0.999)",
            "balanced",
            "prior",
            "tuned",
            "inverse + tuned",
        ),
        "full": (
            "do_nothing",
            "inverse",
            "sqrt",
            "log",
            "effective_number(beta=0.999)",
            "median_frequency",
            "focal(gamma=2)",
            "class_balanced_focal",
            "logit_adjusted(tau=1)",
            "ldam",
            "inverse(defer=0.8)",
            "inverse(defer=0.8) + ldam",
            "cross_entropy(label_smoothing=0.1)",
            "validation_driven",
            "mixup",
            "balanced",
            "sqrt_balanced",
            "oversample",
            "undersample",
            "smote",
            "prior",
            "tuned",
            "sqrt + tuned",
            "inverse + tuned",
            "inverse + unweight",
            "smote + tuned",
        ),
    }
)

#: The same where rows may have several labels: nothing that draws a row by its one class, and weights of what a row
#: has against what it has not.
MULTILABEL_PRESETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "quick": (
            "do_nothing",
            "inverse",
            "pos_weight",
            "prior",
            "threshold",
            "pos_weight(power=0.5) + threshold",
        ),
        "standard": (
            "do_nothing",
            "inverse",
            "sqrt",
            "effective_number(beta=0.999)",
            "pos_weight",
            "pos_weight(power=0.5)",
            "prior",
            "threshold",
            "inverse + threshold",
            "pos_weight(power=0.5) + threshold",
        ),
        "full": (
            "do_nothing",
            "inverse",
            "sqrt",
            "log",
            "effective_number(beta=0.999)",
            "median_frequency",
            "pos_weight",
            "pos_weight(power=0.5)",
            "focal(gamma=2)",
            "class_balanced_focal",
            "asymmetric",
            "logit_adjusted(tau=1)",
            "prior",
            "threshold",
            "sqrt + threshold",
            "inverse + threshold",
            "pos_weight + threshold",
            "pos_weight(power=0.5) + threshold",
            "focal(gamma=2) + threshold",
            "asymmetric + threshold",
            "pos_weight + unweight",
        ),
    }
)


def preset(name: str, n_classes: int, multilabel: bool = False) -> tuple[Strategy, ...]:
    """Strategies of a preset: the tuned rule is a threshold for two classes, multipliers for more.

    Examples
    --------
    >>> [str(strategy) for strategy in preset("quick", n_classes=2)][-2:]
    ['threshold', 'sqrt + threshold']
    >>> [str(strategy) for strategy in preset("quick", n_classes=9, multilabel=True)][-2:]
    ['threshold', 'pos_weight(power=0.5) + threshold']
    """
    if multilabel:
        known = registry.components("loss")
        # A loss that this release does not have yet, or an extra brings, is no part of a preset.
        texts = [text for text in MULTILABEL_PRESETS[name] if "asymmetric" not in text or "asymmetric" in known]
        return tuple(Strategy.parse(text) for text in texts)
    tuned = "threshold" if n_classes == 2 else "multipliers"
    return tuple(Strategy.parse(text.replace("tuned", tuned)) for text in PRESETS[name])


def parse_strategies(
    given: str | Iterable[str | Strategy], n_classes: int, multilabel: bool = False
) -> tuple[Strategy, ...]:
    """Strategies from a preset's name, a text ``"s1; s2"`` or an iterable; equal ones are kept once.

    Raises
    ------
    UsageError
        When nothing is given.

    Examples
    --------
    >>> [str(s) for s in parse_strategies("do_nothing; inverse + threshold", n_classes=2)]
    ['do_nothing', 'inverse + threshold']
    """
    if isinstance(given, str):
        if given.strip() in PRESETS:
            return preset(given.strip(), n_classes, multilabel)
        given = split_outside(given, ";")
    found = [s if isinstance(s, Strategy) else Strategy.parse(s) for s in given]
    if not found:
        raise UsageError(f"no strategy given; name a preset ({', '.join(PRESETS)}) or list some: 'do_nothing; inverse'")
    return tuple(dict.fromkeys(found))

"""A strategy for scikit-learn's estimators."""

from __future__ import annotations

from steelyard.component import Component, parse_calls
from steelyard.samplers import Sampling
from steelyard.snippets._code import Recipe, literal
from steelyard.weighting import Weighting

#: Steelyard's model -> the line that imports scikit-learn's nearest, and the expression that makes it.
_ESTIMATORS = {
    "linear": ("from sklearn.linear_model import LogisticRegression", "LogisticRegression(max_iter=1000)"),
    "mlp": (
        "from sklearn.neural_network import MLPClassifier",
        "MLPClassifier(early_stopping=True, random_state=0)",
    ),
    "boosting": (
        "from sklearn.ensemble import HistGradientBoostingClassifier",
        "HistGradientBoostingClassifier(random_state=0)",
    ),
    "forest": ("from sklearn.ensemble import RandomForestClassifier", "RandomForestClassifier(random_state=0)"),
}


def scikit_learn(recipe: Recipe) -> str:
    """Code that trains one of scikit-learn's estimators, decides, and predicts."""
    if own := _not_of_scikit_learn(recipe):
        return _own_training(recipe, own)
    imported, estimator = _ESTIMATORS.get(_name(recipe.model), _ESTIMATORS["linear"])
    needs_scores = bool(recipe.decision)
    lines = [
        "# Yours: X, y (training rows and their labels, arrays) and X_new.",
        "import numpy as np",
        imported,
        *(["from sklearn.model_selection import StratifiedKFold"] if needs_scores else []),
        "import steelyard as sy",
        "",
        "",
        *_train(recipe, estimator),
        "",
        "",
        "classes, codes = np.unique(y, return_inverse=True)",
        "model = train(X, y)",
        *_adjust(recipe),
    ]
    proba = "adjust(model.predict_proba({}))" if recipe.adjustment else "model.predict_proba({})"
    if not needs_scores:
        return "\n".join([*lines, f"predicted = classes[{proba.format('X_new')}.argmax(axis=1)]", ""])
    inner = proba.replace("model.", "part.")
    return "\n".join(
        [
            *lines,
            "# The rule is fitted on scores of rows that the model giving them never saw.",
            "scores = np.zeros((len(y), len(classes)))",
            "for seen_rows, other_rows in StratifiedKFold(5, shuffle=True, random_state=0).split(X, y):",
            "    part = train(X[seen_rows], y[seen_rows])",
            f"    scores[other_rows] = {inner.format('X[other_rows]')}",
            f"rule = {recipe.decision}.fit(scores, codes{_positive(recipe)})",
            f"predicted = classes[rule.predict({proba.format('X_new')})]",
            "",
        ]
    )


def _train(recipe: Recipe, estimator: str) -> list[str]:
    lines = ["def train(X, y):"]
    # As in a study, the weights come from the counts before rows are drawn.
    if recipe.weighting:
        lines.append(f"    weights = sy.class_weights(y, {recipe.weighting})")
    if recipe.sampling:
        lines.append(f"    X, y = {recipe.sampling}.fit_resample(X, y)")
    given = ", sample_weight=sy.sample_weights(y, weights)" if recipe.weighting else ""
    return [*lines, f"    return {estimator}.fit(X, y{given})"]


def _adjust(recipe: Recipe) -> list[str]:
    if not recipe.adjustment:
        return []
    return [
        "counts = sy.count_labels(y)",
        *recipe.training_weights(),
        f"adjust = {recipe.adjustment}.bind(priors=counts.priors, weights=seen, classes=counts.classes).transform",
    ]


def _positive(recipe: Recipe) -> str:
    return ", positive=int(np.bincount(codes).argmin())" if recipe.n_classes == 2 else ""


def _not_of_scikit_learn(recipe: Recipe) -> Component | None:
    """Part of the strategy that no estimator of scikit-learn can be trained with."""
    weighting, sampling = recipe.part("weighting"), recipe.part("sampling")
    if isinstance(weighting, Weighting) and weighting.in_passes:
        return weighting
    if isinstance(sampling, Sampling) and sampling.mixing:
        return sampling
    return recipe.part("loss")


def _own_training(recipe: Recipe, part: Component) -> str:
    model = recipe.model or "mlp"
    return "\n".join(
        [
            "# Yours: X, y (training rows and their labels) and X_new.",
            f"# No estimator of scikit-learn is trained with {part}; Steelyard's models are.",
            "import steelyard as sy",
            "",
            "# The better of this strategy and doing nothing, judged on rows that neither of them saw.",
            f"result = sy.run_study(X, y, models={literal(model)}, strategies={literal(str(recipe.strategy))})",
            "predicted = result.fit().predict(X_new)",
            "",
        ]
    )


def _name(model: str) -> str:
    try:
        return parse_calls(model)[0].name if model else "linear"
    except ValueError:
        # A scikit-learn classifier given from Python has a text form that is not ours.
        return "linear"

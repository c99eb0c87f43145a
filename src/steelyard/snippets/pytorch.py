"""A strategy for a PyTorch training loop."""

from __future__ import annotations

from steelyard.component import Component
from steelyard.losses import Loss
from steelyard.losses.torch import MODULES
from steelyard.samplers import Sampling
from steelyard.snippets._code import Recipe, arguments, literal

#: Loss component -> the PyTorch module in the file of its name.
_MODULE_OF = {module: name for name, module in MODULES.items()}
#: Losses that ask for the class counts.
_WITH_COUNTS = ("LogitAdjusted", "LDAM")
#: Sampling -> the ``balance`` of a sampler that draws anew in each epoch.
_BALANCE = {"balanced": "equal", "sqrt_balanced": "sqrt"}


def pytorch(recipe: Recipe) -> str:
    """Code that trains a network, and sets up the rule that turns its probabilities into labels."""
    drawn, rows, option = draws(recipe)
    lines = [
        f"# Yours: X, y (training rows as a float array, and their labels), network{_more(recipe)}.",
        "import numpy as np",
        "import torch",
        "from torch.utils.data import DataLoader, TensorDataset",
        "import steelyard as sy",
        "",
        *head(recipe),
        *rows,
        "target = torch.tensor([place[label] for label in y])",
        "dataset = TensorDataset(torch.tensor(X, dtype=torch.float32), target)",
        f"{drawn}loader = DataLoader(dataset, batch_size=64, {option})",
        "optimizer = torch.optim.AdamW(network.parameters())",
        "for epoch in range(10):",
        *(["    sampler.set_epoch(epoch)"] if drawn else []),
        "    for rows, labels in loader:",
        "        optimizer.zero_grad()",
        *_backward(recipe),
        "        optimizer.step()",
    ]
    return "\n".join([*lines, *tail(recipe, "network(torch.tensor(X_held_out, dtype=torch.float32))"), ""])


def _backward(recipe: Recipe) -> list[str]:
    alpha = mixing(recipe)
    if alpha is None:
        return ["        loss(network(rows), labels).backward()"]
    return [
        f"        share, other = float(np.random.beta({alpha}, {alpha})), torch.randperm(len(rows))",
        "        logits = network(share * rows + (1 - share) * rows[other])",
        "        (share * loss(logits, labels) + (1 - share) * loss(logits, labels[other])).backward()",
    ]


def mixing(recipe: Recipe) -> float | None:
    """Alpha of the Beta distribution that rows are mixed by, None where they are not."""
    part = recipe.part("sampling")
    return float(part.mixing) or None if isinstance(part, Sampling) else None


def head(recipe: Recipe) -> list[str]:
    """Lines that set ``counts``, ``place`` (class to output of the network) and ``loss``."""
    part = recipe.part("loss")
    cosines = isinstance(part, Loss) and part.cosine_scale is not None
    return [
        *(["# The margins are on cosines: the network's last layer is sy.losses.CosineLinear."] if cosines else []),
        "counts = sy.count_labels(y)",
        "place = {label: number for number, label in enumerate(counts.classes)}",
        f"loss = {loss(recipe)}",
    ]


def loss(recipe: Recipe) -> str:
    """Expression of the loss, with the weights of the weighting."""
    part = recipe.part("loss")
    name = "CrossEntropy" if part is None else _MODULE_OF[part.name]
    given = ["counts"] if name in _WITH_COUNTS else []
    if part is not None and (own := _own(part)):
        given.append(own)
    if recipe.weighting:
        given.append(f"weight=sy.class_weights(counts, {recipe.weighting}).as_tensor()")
    return f"sy.losses.{name}({', '.join(given)})"


def _own(part: Component) -> str:
    return arguments({key: value for key, value in part.params().items() if value is not None})


def draws(recipe: Recipe) -> tuple[str, list[str], str]:
    """Line that makes a sampler, lines that draw rows beforehand, and the loader's option."""
    part = recipe.part("sampling")
    if part is None or mixing(recipe) is not None:
        return "", [], "shuffle=True"
    if part.name in _BALANCE:
        option = "" if _BALANCE[part.name] == "equal" else f", balance={literal(_BALANCE[part.name])}"
        return f"sampler = sy.samplers.ClassBalancedSampler(y, seed=0{option})\n", [], "sampler=sampler"
    return "", [f"X, y = {recipe.sampling}.fit_resample(X, y)"], "shuffle=True"


def _more(recipe: Recipe) -> str:
    if recipe.decision:
        return ", and X_held_out, y_held_out (rows not trained on)"
    return ", and X_held_out (rows to predict)"


def tail(recipe: Recipe, logits: str) -> list[str]:
    """Lines from logits of held-out rows to labels."""
    lines = ["", "with torch.no_grad():", f"    proba = {logits}.double().softmax(dim=1).numpy()"]
    if recipe.adjustment:
        lines += [
            *recipe.training_weights(),
            f"adjust = {recipe.adjustment}.bind(priors=counts.priors, weights=seen, classes=counts.classes).transform",
            "proba = adjust(proba)",
        ]
    if not recipe.decision:
        return [*lines, "predicted = [counts.classes[code] for code in proba.argmax(axis=1)]"]
    positive = ", positive=int(counts.counts.argmin())" if recipe.n_classes == 2 else ""
    return [
        *lines,
        "codes = np.array([place[label] for label in y_held_out])",
        f"rule = {recipe.decision}.fit(proba, codes{positive})",
        "predicted = [counts.classes[code] for code in rule.predict(proba)]  # and so for new rows",
    ]

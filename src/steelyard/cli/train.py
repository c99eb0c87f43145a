"""``steelyard train``: one arm, no comparison."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from steelyard.cli.learning import AS_USUAL as LEARNING
from steelyard.cli.learning import Learning
from steelyard.cli.progress import say
from steelyard.cli.reading import AS_USUAL as READING
from steelyard.cli.reading import Reading
from steelyard.errors import OutputExistsError


def train(
    data: Path,
    /,
    *,
    out: Path,
    learning: Learning = LEARNING,
    strategy: str = "do_nothing",
    model: str = "boosting",
    metric: str = "macro_f1",
    force: Annotated[bool, Parameter(negative="")] = False,
    reading: Reading = READING,
) -> int:
    """Train one strategy on one model, without a comparison.

    Example: steelyard train patients.csv --target diagnosis --strategy "inverse + multipliers" --out model/

    Parameters
    ----------
    data
        Table: .csv, .tsv, .parquet or .jsonl; or a folder with one sub-folder of images, videos or texts per class.
    out
        Model directory to write.
    learning
        What is learned, and in which folds.
    strategy
        Strategy, such as "sqrt + threshold(metric=f1)"; auto, with --model auto, for a mixture of about a dozen arms.
    model
        Model, such as "linear(C=0.1)".
    metric
        What a tuned decision rule aims at, where the strategy does not say.
    force
        Replace a model that is there.
    reading
        How the file is read.
    """
    learning.check()
    if out.exists() and not force:
        raise OutputExistsError(f"--out {out} is there already; use --force or name another folder")

    from steelyard.api.train import train_arm
    from steelyard.artifact import check_replaceable
    from steelyard.metrics import get_metric
    from steelyard.models import parse_model
    from steelyard.strategy import Strategy

    check_replaceable(out)
    mixed = "auto" in (strategy, model)
    arm = (strategy, model) if mixed else (Strategy.parse(strategy), parse_model(model))
    aim = get_metric(metric)
    table = learning.tables(reading).first(data)
    trained, warnings = train_arm(table, *arm, metric=aim, options=learning.fold_options(), n_jobs=learning.n_jobs)
    for warning in warnings:
        say(f"note: {warning}")
    if int(os.environ.get("RANK", "0")) > 0:
        # Under torchrun every process holds the same trained model; the first one writes it.
        return 0
    print(trained.save(out, force=force))
    return 0

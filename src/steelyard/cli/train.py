"""``steelyard train``: one arm, no comparison."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from steelyard.cli.progress import say
from steelyard.cli.reading import AS_USUAL, Reading
from steelyard.errors import OutputExistsError


def train(
    data: Path,
    /,
    *,
    target: str | None = None,
    out: Path,
    strategy: str = "do_nothing",
    model: str = "boosting",
    metric: str = "macro_f1",
    folds: int = 5,
    fold_column: str | None = None,
    task: str | None = None,
    label_separator: str | None = None,
    group: str | None = None,
    id_column: Annotated[str | None, Parameter(name="--id")] = None,
    duplicates: str | None = None,
    encoder: str | None = None,
    jobs: int = -1,
    force: Annotated[bool, Parameter(negative="")] = False,
    seed: int = 0,
    reading: Reading = AS_USUAL,
) -> int:
    """Train one strategy on one model, without a comparison.

    Example: steelyard train patients.csv --target diagnosis --strategy "inverse + multipliers" --out model/

    Parameters
    ----------
    data
        Table: .csv, .tsv, .parquet or .jsonl; or a folder with one sub-folder of images, videos or texts per class.
    target
        Column to predict; several, separated by commas, where a row may have several labels: each holds 0 or 1,
        and nothing where it is not known.
    out
        Model directory to write.
    label_separator
        What stands between the labels of a row, where one column names several, such as "|".
    strategy
        Strategy, such as "sqrt + threshold(metric=f1)"; auto, with --model auto, for a mixture of about a dozen arms.
    model
        Model, such as "linear(C=0.1)".
    metric
        What a tuned decision rule aims at, where the strategy does not say.
    folds
        Folds whose out-of-fold scores the decision rule is fitted on.
    fold_column
        Column that gives each row's fold, instead of --folds.
    task
        binary, multiclass or multilabel; inferred when left out. Says that numbers are names of classes.
    group
        Column whose equal values stay in one fold (patients, sites).
    id_column
        Column that names rows; not learned from.
    duplicates
        keep or group: whether equal rows share a fold. Decided from the data by default.
    encoder
        Folder or name of a Transformers model, used frozen: its embeddings describe texts, or images and videos.
    jobs
        Processes; -1 is one for each processor.
    force
        Replace a model that is there.
    seed
        Seed of all randomness.
    reading
        How the file is read.
    """
    if out.exists() and not force:
        raise OutputExistsError(f"--out {out} is there already; use --force or name another folder")

    from steelyard.api.prepare import FoldOptions
    from steelyard.api.study import processes
    from steelyard.api.train import train_arm
    from steelyard.artifact import check_replaceable
    from steelyard.cli.tables import Columns, LabelledTables
    from steelyard.metrics import get_metric
    from steelyard.models import parse_model
    from steelyard.strategy import Strategy

    check_replaceable(out)
    mixed = "auto" in (strategy, model)
    arm = (strategy, model) if mixed else (Strategy.parse(strategy), parse_model(model))
    aim = get_metric(metric)
    options = FoldOptions(n_folds=folds, seed=seed, duplicates=duplicates)
    roles = Columns(target, id_column=id_column, group=group, fold_column=fold_column)
    tables = LabelledTables(roles, reading, task=task, label_separator=label_separator)
    n_jobs = processes(jobs)
    tables.collections(encoder=encoder, duplicates=duplicates, jobs=n_jobs)
    trained, warnings = train_arm(tables.first(data), *arm, metric=aim, options=options, n_jobs=n_jobs)
    for warning in warnings:
        say(f"note: {warning}")
    if int(os.environ.get("RANK", "0")) > 0:
        # Under torchrun every process holds the same trained model; the first one writes it.
        return 0
    print(trained.save(out, force=force))
    return 0

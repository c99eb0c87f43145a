"""``steelyard study``: the main job."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from steelyard.cli.progress import StudyProgress, say
from steelyard.cli.reading import AS_USUAL, Reading
from steelyard.cli.study_folder import check_folder, check_same_study, finished_record, study_folder
from steelyard.errors import UsageError

if TYPE_CHECKING:
    from steelyard.api import StudyResult


def study(
    data: Path,
    /,
    *,
    target: str | None = None,
    task: str | None = None,
    label_separator: str | None = None,
    models: str | None = None,
    strategies: str = "standard",
    metric: str | None = None,
    cost: Path | None = None,
    folds: int = 5,
    fold_column: str | None = None,
    repeats: int = 1,
    group: str | None = None,
    id_column: Annotated[str | None, Parameter(name="--id")] = None,
    duplicates: str | None = None,
    test: Path | None = None,
    holdout: str | None = None,
    encoder: str | None = None,
    out: Path = Path("steelyard-study"),
    jobs: int = -1,
    time_limit: float | None = None,
    tune: str | None = None,
    trials: int | None = None,
    patience: int = 10,
    resume: Annotated[bool, Parameter(negative="")] = False,
    force: Annotated[bool, Parameter(negative="")] = False,
    json_: Annotated[bool, Parameter(name="--json", negative="")] = False,
    seed: int = 0,
    reading: Reading = AS_USUAL,
) -> int:
    """Compare ways of treating rare classes, judge them, and train the winner.

    Example: steelyard study patients.csv --target diagnosis --out study/

    Parameters
    ----------
    data
        Table: .csv, .tsv, .parquet, .jsonl or .json; CoNLL; or a folder with one sub-folder of images, videos or
        texts per class.
    target
        Column to predict, found where one column holds texts; several, separated by commas, where a row may have
        several labels: each holds 0 or 1, and nothing where it is not known.
    task
        binary, multiclass or multilabel; inferred when left out. Says that numbers are names of classes.
    label_separator
        What stands between the labels of a row, where one column names several, such as "|".
    models
        Models, such as "linear, mlp(hidden=256, dropout=0.3), boosting, forest". When left out: linear, mlp and
        boosting, with additive_kernel for a folder of files. auto adds one arm: a mixture of about a dozen.
    strategies
        A preset (standard, quick) or strategies, such as "inverse; sqrt + multipliers". auto adds the same mixture.
    metric
        What arms are ranked by, such as macro_f1 (the default), balanced_accuracy, mcc.
    cost
        Table of what each mistake costs: a line for each true class, a column for each predicted one. Arms are then
        ranked by their mean cost, and tuned decisions take the cheapest label.
    folds
        Number of folds.
    fold_column
        Column that gives each row's fold, instead of --folds.
    repeats
        How often to repeat the cross-validation with other folds.
    group
        Column whose equal values stay in one fold (patients, sites).
    id_column
        Column that names rows; not learned from.
    duplicates
        keep or group: whether equal rows share a fold. Decided from the data by default.
    test
        Table of other labelled rows, on which the winner and doing nothing are judged once.
    holdout
        balanced:N sets N rows of each class apart, for the same purpose.
    encoder
        Folder or name of a Transformers model, used frozen: its embeddings describe texts, or images and videos.
    out
        Folder to write.
    jobs
        Processes; -1 is one for each processor. The result does not depend on it.
    time_limit
        Seconds for the fits. What is not finished by then is left out, and said.
    tune
        grid, random or bayes: search the values that are left open, as in "focal(gamma=?)" or "linear(C=0.01..10)",
        inside the training rows of each fold. Where none is left open, all that have a range.
    trials
        Trials of each search, 25 when left out; for a grid the most points it may have, 100 when left out.
    patience
        A search ends when so many trials in a row brought nothing better.
    resume
        Go on with an unfinished study in the folder.
    force
        Replace a study that is in the folder.
    json_
        Print study.json on stdout.
    seed
        Seed of all randomness.
    reading
        How the file is read.
    """
    # Everything that the arguments alone can tell is checked before a library is loaded or a file is read.
    if jobs == 0:
        raise UsageError("--jobs must not be 0: a number of processes, or -1 for one for each processor")
    if time_limit is not None and not time_limit > 0:
        raise UsageError(f"--time-limit must be above 0 seconds, not {time_limit:g}")
    if folds < 2:
        raise UsageError(f"--folds must be at least 2, not {folds}: a model is never scored on rows it saw")
    if cost is not None and metric is not None:
        raise UsageError("--cost and --metric exclude each other: with --cost arms are ranked by their mean cost")
    apart = None if holdout is None else parse_holdout(holdout)
    check_folder(out, resume=resume, force=force)
    finished = finished_record(out) if resume else None

    from steelyard.api.study import cost_metric, default_models, plan_maker, tuning_from

    models = default_models(data) if models is None else models
    tuning = tuning_from(tune, trials, patience)
    ranked_by = cost_metric(cost) if cost is not None else metric or "macro_f1"
    plan_for = plan_maker(models, strategies, ranked_by, time_limit, tuning)
    if finished is not None:
        several = finished["data"].get("task") == "multilabel"
        again = plan_for(len(finished["data"]["classes"]), several, finished["data"]["rows"])
        arms = {arm.id for arm in again.arms} | {text.partition(": ")[0] for text in again.left_out}
        target = finished["data"].get("target") if target is None else target
        asked = {
            "DATA": str(data),
            "--target": target,
            "--metric": str(ranked_by),
            "--seed": seed,
            "--repeats": repeats,
            "--tune": tune,
            "--trials": tuning and tuning.most_trials,
        }
        check_same_study(finished, asked, arms, out)
        say(f"{out} holds this study already finished: nothing was run")
        _show(finished, out, json_)
        return 0

    from steelyard.api.evaluation import known_labels, set_apart
    from steelyard.api.prepare import FoldOptions, RawTable, prepare
    from steelyard.api.study import processes, study_prepared
    from steelyard.cli.tables import Columns, LabelledTables
    from steelyard.study import check_arms
    from steelyard.study.tuning import search_size

    options = FoldOptions(folds, repeats, seed, duplicates)
    n_jobs = processes(jobs)
    roles = Columns(target, id_column=id_column, group=group, fold_column=fold_column)
    tables = LabelledTables(roles, reading, task=task, label_separator=label_separator)
    tables.collections(encoder=encoder, duplicates=duplicates, jobs=n_jobs)
    table = tables.first(data)
    judged: dict[str, RawTable] = {}
    if apart is not None:
        table, judged["holdout"] = set_apart(table, apart, seed)
    prepared, facts = prepare(table, options)
    if test is not None:
        judged["test"] = tables.other(test)
        known_labels(judged["test"], prepared.classes, prepared.multilabel)
    plan = plan_for(prepared.n_classes, prepared.multilabel, len(prepared.codes))
    counted = f"{prepared.n_classes} {'labels' if prepared.multilabel else 'classes'}, {len(plan.arms)} arms"
    say(f"{data.name}: {len(prepared.codes)} rows, {prepared.task}, {counted}")
    if plan.tuning:
        say(search_size(plan.arms, plan.tuning, prepared))
    for warning in (*facts.warnings, *plan.left_out):
        say(f"note: {warning}")
    plan = check_arms(plan, prepared)
    try:
        with study_folder(out, force=force), StudyProgress() as progress:
            result = study_prepared(
                plan,
                prepared,
                facts,
                n_jobs=jobs,
                ledger=out / "ledger.sqlite",
                progress=progress,
                command=_command(sys.argv),
            )
            for key, rows in judged.items():
                result.evaluate_table(rows, key)
            result.save(out)
    except KeyboardInterrupt:
        say(f"stopped; what is done is kept in {out}: the same command with --resume goes on")
        raise
    late = len(result.record["left_out"]) - len(plan.left_out)
    if late:
        say(f"{late} of {len(plan.arms)} arms were not finished within {time_limit:g} s and are left out")
    _show(result.record, out, json_, result)
    return 0


def parse_holdout(text: str) -> int:
    """Rows of each class that ``balanced:N`` sets apart.

    Examples
    --------
    >>> parse_holdout("balanced:20")
    20
    """
    kind, _, number = text.partition(":")
    if kind != "balanced" or not number.isdigit() or int(number) < 1:
        raise UsageError(f"--holdout {text!r} cannot be read: write balanced:N, with N rows of each class")
    return int(number)


def _judged(found: dict[str, Any], metric: str) -> str:
    seen = f" {found['seen_rows']} of its rows were in the study too." if found["seen_rows"] else ""
    low, high = found["delta_ci"]
    return (
        f"{metric} {found['winner']['score']:.3f} against {found['baseline']['score']:.3f} for doing nothing, "
        f"a change of {found['delta']:+.3f} (95 % interval {low:+.3f} to {high:+.3f}).{seen}"
    )


def _command(argv: list[str]) -> str:
    return shlex.join(["steelyard", *argv[1:]])


def _show(record: dict[str, Any], out: Path, as_json: bool, result: StudyResult | None = None) -> None:
    if as_json:
        print(json.dumps(record, ensure_ascii=False))
        return
    arms = sorted(record["arms"], key=lambda arm: arm["score"] or 0, reverse=record["greater_is_better"])
    width, room = (max(len(arm[key]) for arm in arms) for key in ("strategy", "model"))
    room = max(room, 12)
    print(f"{'':5}{'strategy':{width}}  {'model':{room}} {record['metric'].partition('(')[0]:>10}  change")
    for position, arm in enumerate(arms[:10], 1):
        mark = "  (baseline)" if arm["id"] == record["baseline"] else f"{arm['delta']:+.3f}"
        print(f"{position:3}. {arm['strategy']:{width}}  {arm['model']:{room}} {arm['score']:10.3f}  {mark}")
    if len(arms) > 10:
        print(f"     and {len(arms) - 10} more arms in the report")
    print(f"\n{record['verdict']['text']}\n")
    if found := next((arm.get("tuning") for arm in arms if arm["id"] == record["winner"]["id"]), None):
        print(f"Trained with the values found on all rows: {found['strategy']} on {found['model']}.\n")
    for key, words in (("holdout", "On the rows set apart"), ("test", "On the test table")):
        if key in record:
            print(f"{words}: {_judged(record[key], record['metric'].partition('(')[0])}\n")
    if "entities" in record:
        found = {arm["id"]: arm for arm in record["entities"]["arms"]}
        best, plain = found[record["winner"]["id"]], found[record["baseline"]]
        low, high = best["delta_ci"]
        print(
            f"Entities: F1 {best['f1']:.3f} against {plain['f1']:.3f} for doing nothing, a change of "
            f"{best['delta']:+.3f} (95 % interval over sentences {low:+.3f} to {high:+.3f}).\n"
        )
    print(f"report  {out / 'report.html'}")
    print(f"model   {out / 'model'}")

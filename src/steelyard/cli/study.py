"""``steelyard study``: the main job."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from steelyard.cli.learning import AS_USUAL as LEARNING
from steelyard.cli.learning import Learning
from steelyard.cli.progress import StudyProgress, say
from steelyard.cli.reading import AS_USUAL as READING
from steelyard.cli.reading import Reading
from steelyard.cli.study_folder import check_folder, check_same_study, finished_record, study_folder
from steelyard.errors import UsageError

if TYPE_CHECKING:
    from steelyard.api import StudyResult
    from steelyard.engine import EngineData
    from steelyard.study import DataFacts, StudyPlan


def study(
    data: Path,
    /,
    *,
    learning: Learning = LEARNING,
    models: str | None = None,
    strategies: str = "standard",
    metric: str | None = None,
    cost: Path | None = None,
    repeats: int = 1,
    test: Path | None = None,
    holdout: str | None = None,
    out: Path = Path("steelyard-study"),
    time_limit: float | None = None,
    tune: str | None = None,
    trials: int | None = None,
    patience: int = 10,
    resume: Annotated[bool, Parameter(negative="")] = False,
    force: Annotated[bool, Parameter(negative="")] = False,
    json_: Annotated[bool, Parameter(name="--json", negative="")] = False,
    reading: Reading = READING,
) -> int:
    """Compare ways of treating rare classes, judge them, and train the winner.

    Example: steelyard study patients.csv --target diagnosis --out study/

    Parameters
    ----------
    data
        Table: .csv, .tsv, .parquet, .jsonl or .json; CoNLL; or a folder with one sub-folder of images, videos or
        texts per class.
    learning
        What is learned, and in which folds.
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
    repeats
        How often to repeat the cross-validation with other folds.
    test
        Table of other labelled rows, on which the winner and doing nothing are judged once.
    holdout
        balanced:N sets N rows of each class apart, for the same purpose.
    out
        Folder to write.
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
    reading
        How the file is read.
    """
    learning.check()
    if time_limit is not None and not time_limit > 0:
        raise UsageError(f"--time-limit must be above 0 seconds, not {time_limit:g}")
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
        asked = {
            "DATA": str(data),
            "--target": finished["data"].get("target") if learning.target is None else learning.target,
            "--metric": str(ranked_by),
            "--seed": learning.seed,
            "--repeats": repeats,
            "--tune": tune,
            "--trials": tuning and tuning.most_trials,
        }
        check_same_study(finished, asked, _arms_of(finished, plan_for), out)
        say(f"{out} holds this study already finished: nothing was run")
        _show(finished, out, json_)
        return 0

    from steelyard.api.evaluation import known_labels, set_apart
    from steelyard.api.prepare import RawTable, prepare
    from steelyard.api.study import study_prepared
    from steelyard.report import load_ahead
    from steelyard.study import check_arms

    tables = learning.tables(reading)
    table = tables.first(data)
    judged: dict[str, RawTable] = {}
    if apart is not None:
        table, judged["holdout"] = set_apart(table, apart, learning.seed)
    prepared, facts = prepare(table, learning.fold_options(repeats))
    if test is not None:
        judged["test"] = tables.other(test)
        known_labels(judged["test"], prepared.classes, prepared.multilabel)
    plan = plan_for(prepared.n_classes, prepared.multilabel, len(prepared.codes))
    _announce(data.name, plan, prepared, facts)
    plan = check_arms(plan, prepared)
    if learning.n_jobs > 1:
        Thread(target=load_ahead).start()
    try:
        with study_folder(out, force=force), StudyProgress() as progress:
            result = study_prepared(
                plan,
                prepared,
                facts,
                n_jobs=learning.jobs,
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


def _arms_of(finished: dict[str, Any], plan_for: Callable[[int, bool, int], StudyPlan]) -> set[str]:
    """Names of the arms that the arguments ask for, on the rows of a finished study."""
    facts = finished["data"]
    plan = plan_for(len(facts["classes"]), facts.get("task") == "multilabel", facts["rows"])
    return {arm.id for arm in plan.arms} | {text.partition(": ")[0] for text in plan.left_out}


def _announce(name: str, plan: StudyPlan, prepared: EngineData, facts: DataFacts) -> None:
    """Say what is about to be done."""
    from steelyard.study.tuning import search_size

    counted = f"{prepared.n_classes} {'labels' if prepared.multilabel else 'classes'}, {len(plan.arms)} arms"
    say(f"{name}: {len(prepared.codes)} rows, {prepared.task}, {counted}")
    if plan.tuning:
        say(search_size(plan.arms, plan.tuning, prepared))
    for warning in (*facts.warnings, *plan.left_out):
        say(f"note: {warning}")


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

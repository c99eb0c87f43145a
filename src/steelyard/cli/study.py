"""``steelyard study``: the main job."""

from __future__ import annotations

import contextlib
import json
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from steelyard.cli.progress import StudyProgress, say
from steelyard.errors import OutputExistsError, SteelyardError, UsageError

if TYPE_CHECKING:
    from steelyard.api import StudyResult

#: What a study's folder may hold; a folder with anything else is never cleared.
OWN_FILES = frozenset(
    {
        "ledger.sqlite",
        "ledger.sqlite-wal",
        "ledger.sqlite-shm",
        "study.json",
        "predictions.parquet",
        "model",
        "report.html",
    }
)


def study(
    data: Path,
    /,
    *,
    target: str | None = None,
    task: str | None = None,
    models: str = "linear, mlp, boosting",
    strategies: str = "standard",
    metric: str = "macro_f1",
    folds: int = 5,
    fold_column: str | None = None,
    repeats: int = 1,
    group: str | None = None,
    id_column: Annotated[str | None, Parameter(name="--id")] = None,
    duplicates: str | None = None,
    out: Path = Path("steelyard-study"),
    jobs: int = -1,
    resume: Annotated[bool, Parameter(negative="")] = False,
    force: Annotated[bool, Parameter(negative="")] = False,
    json_: Annotated[bool, Parameter(name="--json", negative="")] = False,
    seed: int = 0,
) -> int:
    """Compare ways of treating rare classes, judge them, and train the winner.

    Example: steelyard study patients.csv --target diagnosis --out study/

    Parameters
    ----------
    data
        Table: .csv, .tsv, .parquet or .jsonl.
    target
        Column to predict.
    task
        binary or multiclass; inferred when left out. Says that numbers are names of classes.
    models
        Models, such as "linear, mlp(hidden=256, dropout=0.3), boosting, forest".
    strategies
        A preset (standard, quick) or strategies, such as "inverse; sqrt + multipliers".
    metric
        What arms are ranked by, such as macro_f1, balanced_accuracy, mcc.
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
    out
        Folder to write.
    jobs
        Processes; -1 is one for each processor. The result does not depend on it.
    resume
        Go on with an unfinished study in the folder.
    force
        Replace a study that is in the folder.
    json_
        Print study.json on stdout.
    seed
        Seed of all randomness.
    """
    # Everything that the arguments alone can tell is checked before a library is loaded or a file is read.
    if jobs == 0:
        raise UsageError("--jobs must not be 0: a number of processes, or -1 for one for each processor")
    if folds < 2:
        raise UsageError(f"--folds must be at least 2, not {folds}: a model is never scored on rows it saw")
    finished = _check_out(out, resume=resume, force=force)
    if finished is not None:
        _show(finished, out, json_)
        return 0

    from steelyard.api.prepare import FoldOptions, prepare
    from steelyard.api.study import plan_maker, study_prepared
    from steelyard.cli.tables import labelled_table

    plan_for = plan_maker(models, strategies, metric)
    options = FoldOptions(folds, repeats, seed, duplicates)
    table = labelled_table(data, target, id_column=id_column, group=group, fold_column=fold_column, task=task)
    prepared, facts = prepare(table, options)
    plan = plan_for(prepared.n_classes)
    inferred = "binary" if prepared.n_classes == 2 else "multiclass"
    say(f"{data.name}: {len(prepared.codes)} rows, {inferred}, {prepared.n_classes} classes, {len(plan.arms)} arms")
    for warning in (*facts.warnings, *plan.left_out):
        say(f"note: {warning}")
    made = not out.exists()
    if force and out.exists():
        _clear(out)
    out.mkdir(parents=True, exist_ok=True)
    try:
        with StudyProgress() as progress:
            result = study_prepared(
                plan,
                prepared,
                facts,
                n_jobs=jobs,
                ledger=out / "ledger.sqlite",
                progress=progress,
                command=_command(sys.argv),
            )
        result.save(out)
    except SteelyardError:
        if made:
            shutil.rmtree(out, ignore_errors=True)
        raise
    except KeyboardInterrupt:
        say(f"stopped; what is done is kept in {out}: the same command with --resume goes on")
        raise
    _show(result.record, out, json_, result)
    return 0


def _check_out(out: Path, *, resume: bool, force: bool) -> dict[str, Any] | None:
    """Record of a finished study that ``--resume`` found; an error where the folder cannot be written."""
    if not out.exists():
        return None
    if not out.is_dir():
        raise OutputExistsError(f"--out {out} is a file; name a folder")
    foreign = sorted({entry.name for entry in out.iterdir()} - OWN_FILES)
    foreign = [name for name in foreign if not name.endswith(".partial")]
    if foreign:
        raise OutputExistsError(f"--out {out} holds other files ({', '.join(foreign[:3])}); name another folder")
    if resume:
        finished = out / "study.json"
        if finished.is_file():
            with contextlib.suppress(json.JSONDecodeError):
                record: dict[str, Any] = json.loads(finished.read_text(encoding="utf-8"))
                return record
        return None
    if any(out.iterdir()) and not force:
        raise OutputExistsError(f"--out {out} holds a study already; use --resume, --force or another folder")
    return None


def _clear(out: Path) -> None:
    for name in OWN_FILES:
        path = out / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _command(argv: list[str]) -> str:
    return shlex.join(["steelyard", *argv[1:]])


def _show(record: dict[str, Any], out: Path, as_json: bool, result: StudyResult | None = None) -> None:
    if as_json:
        print(json.dumps(record, ensure_ascii=False))
        return
    arms = sorted(record["arms"], key=lambda arm: arm["score"] or 0, reverse=record["greater_is_better"])
    width = max(len(arm["strategy"]) for arm in arms)
    print(f"{'':5}{'strategy':{width}}  {'model':12} {record['metric']:>10}  change")
    for position, arm in enumerate(arms[:10], 1):
        mark = "  (baseline)" if arm["id"] == record["baseline"] else f"{arm['delta']:+.3f}"
        print(f"{position:3}. {arm['strategy']:{width}}  {arm['model']:12} {arm['score']:10.3f}  {mark}")
    if len(arms) > 10:
        print(f"     and {len(arms) - 10} more arms in the report")
    print(f"\n{record['verdict']['text']}\n")
    print(f"report  {out / 'report.html'}")
    print(f"model   {out / 'model'}")

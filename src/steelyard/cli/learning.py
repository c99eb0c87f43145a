"""Options of the commands that train: what is learned from the rows, and in which folds they are scored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from steelyard.cli.reading import Reading
from steelyard.errors import UsageError

if TYPE_CHECKING:
    from steelyard.api.prepare import FoldOptions
    from steelyard.cli.tables import LabelledTables


@Parameter(name="*")
@dataclass(frozen=True)
class Learning:
    """What is learned from the rows, and in which folds they are scored.

    Parameters
    ----------
    target
        Column to predict, found where one column holds texts; several, separated by commas, where a row may have
        several labels: each holds 0 or 1, and nothing where it is not known.
    task
        binary, multiclass or multilabel; inferred when left out. Says that numbers are names of classes.
    label_separator
        What stands between the labels of a row, where one column names several, such as "|".
    id_column
        Column that names rows; not learned from.
    encoder
        Folder or name of a Transformers model, used frozen: its embeddings describe texts, or images and videos.
    folds
        Folds, in each of which the rows are scored by models trained on the others. Decisions are fitted on these
        scores.
    fold_column
        Column that gives each row's fold, instead of --folds.
    group
        Column whose equal values stay in one fold (patients, sites).
    duplicates
        keep or group: whether equal rows share a fold. Decided from the data by default.
    jobs
        Processes; -1 is one for each processor. The result does not depend on it.
    seed
        Seed of all randomness.
    """

    target: str | None = None
    task: str | None = None
    label_separator: str | None = None
    id_column: Annotated[str | None, Parameter(name="--id")] = None
    encoder: str | None = None
    folds: int = 5
    fold_column: str | None = None
    group: str | None = None
    duplicates: str | None = None
    jobs: int = -1
    seed: int = 0

    def check(self) -> None:
        """Raise what the options alone can tell, before a library is loaded or a file is read.

        Raises
        ------
        UsageError
        """
        if self.jobs == 0:
            raise UsageError("--jobs must not be 0: a number of processes, or -1 for one for each processor")
        if self.folds < 2:
            raise UsageError(f"--folds must be at least 2, not {self.folds}: a model is never scored on rows it saw")

    @property
    def n_jobs(self) -> int:
        """Processes."""
        from steelyard.api.study import processes

        return processes(self.jobs)

    def fold_options(self, repeats: int = 1) -> FoldOptions:
        """How the folds are made."""
        from steelyard.api.prepare import FoldOptions

        return FoldOptions(self.folds, repeats, self.seed, self.duplicates)

    def tables(self, reading: Reading) -> LabelledTables:
        """Reader of tables whose columns have these roles."""
        from steelyard.cli.tables import Columns, LabelledTables

        roles = Columns(self.target, id_column=self.id_column, group=self.group, fold_column=self.fold_column)
        tables = LabelledTables(roles, reading, task=self.task, label_separator=self.label_separator)
        tables.collections(encoder=self.encoder, duplicates=self.duplicates, jobs=self.n_jobs)
        return tables


#: Nothing said.
AS_USUAL = Learning()

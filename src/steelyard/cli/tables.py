"""What the commands share: a table from a file, with its special columns found."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from steelyard.api.collections import describe, read_collection, text_encoder, unsorted_files
from steelyard.api.numbered_labels import named_labels
from steelyard.api.prepare import RawTable
from steelyard.api.roles import find_roles
from steelyard.api.study import processes
from steelyard.api.tokens import token_table
from steelyard.artifact import TrainedModel
from steelyard.cli.progress import CountProgress, say
from steelyard.data import ReadOptions, Source, is_conll, read_portions, read_source, split_columns
from steelyard.errors import DataError, UnknownNameError, UsageError
from steelyard.features.checkpoint import find_checkpoint
from steelyard.features.media import MediaFeatures

if TYPE_CHECKING:
    import polars as pl

    from steelyard.cli.reading import Reading


@dataclass(frozen=True)
class Columns:
    """What the columns of a table are; ``target`` names one, or one for each label."""

    target: str | None
    text: str | None = None
    id_column: str | None = None
    group: str | None = None
    fold_column: str | None = None


class LabelledTables:
    """Reads tables of one form: what is found out on the first holds for the others.

    Parameters
    ----------
    columns : Columns
    reading : Reading
    task, label_separator : str, optional
        As the commands take them.
    """

    def __init__(
        self, columns: Columns, reading: Reading, *, task: str | None = None, label_separator: str | None = None
    ) -> None:
        self.columns, self.task, self.label_separator = replace(columns, text=reading.text), task, label_separator
        look_for_header = columns.target is None and not reading.no_header
        self.options = ReadOptions(
            encoding=reading.encoding,
            header=None if look_for_header else not reading.no_header,
            split=reading.split,
            mend=True,
            ignore_tags=reading.ignore_tags,
        )
        self.tokens = False
        self.media: MediaFeatures | None = None
        self.collections()

    def collections(self, *, encoder: str | None = None, duplicates: str | None = None, jobs: int = 1) -> None:
        """Set how folders of files are read, and what encodes texts."""
        if encoder is not None:
            find_checkpoint(encoder, "--encoder")
        self.encoder, self.duplicates, self.jobs = encoder, duplicates, jobs

    def first(self, path: Path) -> RawTable:
        """Rows of the table that is studied, with their labels; of a folder, its files."""
        if path.is_dir():
            return self._folder(path)
        self._no_folder(path)
        if self.columns.target is None and is_conll(path):
            if self.encoder is not None:
                raise UsageError("--encoder describes whole texts, not their tokens; tune the model: --models hf(PATH)")
            self.tokens = True
            return token_table(path, self.options)
        source = read_source(path, self.options)
        notes: list[str] = []
        if self.columns.target is None:
            source = self._found(source, notes)
        if source.headerless:
            self.options = replace(self.options, header=False, names=tuple(source.frame.columns))
        else:
            self.options = replace(self.options, header=True)
        return self._labelled(path, source, notes, self.columns)

    def other(self, path: Path) -> RawTable:
        """Rows of another table of the same form; of a JSON file with several parts, the one called test."""
        if path.is_dir():
            return self._folder(path)
        self._no_folder(path)
        if self.tokens:
            return token_table(path, self.options)
        source = read_source(path, replace(self.options, usual_split="test", split=None))
        if source.headerless and len(self.options.names) == source.frame.width:
            names = dict(zip(source.frame.columns, self.options.names, strict=True))
            source = replace(source, frame=source.frame.rename(names))
        return self._labelled(path, source, [], Columns(self.columns.target, self.columns.text))

    def _folder(self, path: Path) -> RawTable:
        roles = self.columns
        options = {"--target": roles.target, "--id": roles.id_column, "--group": roles.group}
        options |= {"--fold-column": roles.fold_column, "--label-separator": self.label_separator, "--text": roles.text}
        given = next((name for name, value in options.items() if value is not None), None)
        if given:
            raise UsageError(f"{given} names a column of a table, and {path} is a folder: leave it out")
        with CountProgress("describing files") as progress:
            table = read_collection(
                path,
                encoder=self.encoder if self.media is None else None,
                media=self.media,
                duplicates=self.duplicates if self.media is None else None,
                n_jobs=self.jobs,
                progress=progress,
            )
        self.media = table.media
        return table

    def _no_folder(self, path: Path) -> None:
        if self.media is not None:
            raise UsageError(f"a collection is a folder with one sub-folder for each class, and {path} is not a folder")

    def _found(self, source: Source, notes: list[str]) -> Source:
        frame = source.frame
        roles = find_roles(frame, self.columns.text)
        if roles is None:
            names = ", ".join(frame.columns)
            raise UsageError(f"name the column to predict with --target; its columns are {names}")
        found = {"text": roles.text, "label": roles.target}
        if source.headerless:
            frame = frame.rename({name: role for role, name in found.items()})
            notes.append(f"No line names the columns: they are called {', '.join(frame.columns)}.")
            found = {role: role for role in found}
        notes.append(
            f"The label is taken from {found['label']!r} (--target), the text from {found['text']!r} (--text)."
        )
        self.columns = replace(self.columns, target=found["label"], text=found["text"])
        return replace(source, frame=frame)

    def _labelled(self, path: Path, source: Source, notes: list[str], roles: Columns) -> RawTable:
        assert roles.target is not None
        texts = tuple(target_columns(roles.text, source.frame.columns)) if roles.text else ()
        for name in texts:
            if name not in source.frame.columns:
                raise UnknownNameError("column", name, source.frame.columns)
        columns = target_columns(roles.target, source.frame.columns)
        if len(columns) > 1 and self.label_separator is not None:
            raise UsageError("--label-separator is for one column of labels, and --target names several")
        named = columns[0] if len(columns) == 1 else columns
        parts = split_columns(source.frame, named, id=roles.id_column, group=roles.group, fold=roles.fold_column)
        labels: Any = parts.target
        listed = named_labels(path, source, columns[0], self.label_separator) if len(columns) == 1 else None
        if listed is not None:
            labels, note = listed
            notes.append(note)
        return RawTable(
            features=parts.features,
            labels=labels,
            groups=parts.groups,
            folds=parts.folds,
            ids=parts.ids,
            path=str(path),
            target=roles.target,
            task=self.task,
            label_separator=None if listed is not None else self.label_separator,
            text=texts,
            encoder=text_encoder(self.encoder),
            columns=tuple(source.frame.columns) if source.headerless else (),
            warnings=(*source.notes, *notes),
        )


def target_columns(target: str, columns: Sequence[str]) -> list[str]:
    """Columns that ``--target`` or ``--text`` names: one, or several separated by commas.

    Examples
    --------
    >>> target_columns("joy, love", ["text", "joy", "love"]), target_columns("a,b", ["a,b", "c"])
    (['joy', 'love'], ['a,b'])
    """
    if target in columns or "," not in target:
        return [target]
    # A name that holds a comma can be quoted, as in the file itself.
    return [name.strip() for name in next(csv.reader([target], skipinitialspace=True)) if name.strip()] or [target]


def unlabelled_rows(
    trained: TrainedModel, data: Path, reading: Reading
) -> Iterator[tuple[pl.DataFrame, list[str] | None]]:
    """Rows to predict, a large file of lines in portions, and the name of each row where they are files.

    Files that cannot be read are named on stderr.
    """
    if trained.media is None:
        yield from ((frame, None) for frame in named_rows(trained, data, reading))
        return
    warnings: list[str] = []
    files = unsorted_files(data, warnings) if data.is_dir() else [data]
    if not data.exists():
        raise UsageError(f"there is no file or folder {data}")
    found = describe(files, trained.media, n_jobs=processes(-1))
    warnings += [f"{path} cannot be read and is left out: {reason}" for path, reason in found.problems]
    for warning in warnings:
        say(f"note: {warning}")
    if not found.files:
        raise DataError(f"{data} holds no file that can be read")
    root = data if data.is_dir() else data.parent
    yield found.frame(), [path.relative_to(root).as_posix() for path in found.files]


def named_rows(trained: TrainedModel, data: Path, reading: Reading) -> Iterator[pl.DataFrame]:
    """Rows of a file under the names the model knows; a large file of lines comes in portions."""
    import polars as pl

    needed = trained.schema.used
    names = tuple(trained.info.get("columns", ()))
    options = ReadOptions(reading.encoding, not reading.no_header, names, reading.split, "test", mend=True)
    seen: dict[str, pl.DataType] = {}
    for source in read_portions(data, options):
        delimited = data.suffix.lower() in (".csv", ".tsv")
        if delimited and not source.headerless and names and not set(needed) <= set(source.frame.columns):
            # The table it was trained on did not name its columns either.
            source = read_source(data, replace(options, header=False))
        for note in source.notes:
            say(f"note: {note}")
        # What a portion has no line with, its rows have not, as where the file is read at once.
        lacking = [
            pl.lit(None, dtype=kind).alias(name) for name, kind in seen.items() if name not in source.frame.columns
        ]
        seen |= dict(source.frame.schema)
        source = replace(source, frame=source.frame.with_columns(lacking))
        yield _renamed(trained, source, names, reading)


def _renamed(trained: TrainedModel, source: Source, names: tuple[str, ...], reading: Reading) -> pl.DataFrame:
    frame, needed, text = source.frame, trained.schema.used, trained.schema.text
    if reading.text is not None and needed == text and len(text) == 1:
        if reading.text not in frame.columns:
            raise UnknownNameError("column", reading.text, frame.columns)
        return frame.drop(text, strict=False).rename({reading.text: text[0]}) if reading.text != text[0] else frame
    if source.headerless and len(names) == frame.width and not set(needed) <= set(frame.columns):
        frame = frame.rename(dict(zip(frame.columns, names, strict=True)))
    if needed == text and len(text) == 1 and frame.width == 1:
        frame = frame.rename({frame.columns[0]: text[0]})
    return frame

"""Every error that Steelyard raises on purpose.

::

    SteelyardError
    ├── UsageError         an argument is wrong (also a ValueError; exit code 2)
    │   ├── UnknownNameError    no component of that name; the message lists the known ones
    │   ├── ParseError          the text form of a strategy or a model cannot be read
    │   └── OutputExistsError   the output is there already and ``--force`` was not given
    ├── DataError          the data cannot be used as they are (also a ValueError; exit code 1)
    ├── ArtifactError      a model directory is damaged, incomplete or of another version
    └── MissingExtraError  an optional dependency is not installed (also an ImportError)

A message is one line that says what is wrong, where, and what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SteelyardError(Exception):
    """Root of all errors that Steelyard raises on purpose."""


class UsageError(SteelyardError, ValueError):
    """An argument is wrong: the caller can mend it without touching the data."""


class UnknownNameError(UsageError):
    """No component, metric or column of that name exists.

    The message lists the known names and the closest one.

    Examples
    --------
    >>> print(UnknownNameError("weighting", "invers", ["inverse", "sqrt"]))
    unknown weighting 'invers': did you mean 'inverse'? known: inverse, sqrt
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(known)
        close = difflib.get_close_matches(name, self.known, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        super().__init__(f"unknown {kind} {name!r}: {hint}known: {', '.join(self.known) or 'none'}")

    def __reduce__(self) -> tuple[type, tuple[str, str, tuple[str, ...]]]:
        return type(self), (self.kind, self.name, self.known)


class ParseError(UsageError):
    """The text form of a strategy or a model cannot be read."""


class OutputExistsError(UsageError):
    """The output is there already and overwriting was not asked for."""


class DataError(SteelyardError, ValueError):
    """The data cannot be used as they are; the message names the place."""


class ArtifactError(SteelyardError):
    """A model directory is damaged, incomplete or of a version this release cannot read."""


class MissingExtraError(SteelyardError, ImportError):
    """An optional dependency is needed and not installed.

    Examples
    --------
    >>> print(MissingExtraError("torch", "as_tensor"))
    as_tensor needs the optional dependency torch: pip install 'steelyard[torch]'
    """

    def __init__(self, extra: str, what: str) -> None:
        self.extra, self.what = extra, what
        super().__init__(f"{what} needs the optional dependency {extra}: pip install 'steelyard[{extra}]'")

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.extra, self.what)

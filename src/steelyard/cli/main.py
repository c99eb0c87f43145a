"""Entry point: commands, exit codes, and errors as one line."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from steelyard.cli.commands import ABOUT, COMMANDS, overview
from steelyard.errors import SteelyardError, UsageError

if TYPE_CHECKING:
    import cyclopts

#: Exit codes.
OK, FAILURE, USAGE, INTERRUPTED = 0, 1, 2, 130


def make_app() -> cyclopts.App:
    """Command-line application; a command's module is imported when it is run."""
    import cyclopts

    app = cyclopts.App(
        name="steelyard",
        help=ABOUT,
        help_format="plaintext",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    for name, command in COMMANDS.items():
        app.command(command.where, name=name, help=command.summary, help_epilogue=f"Example: {command.example}")
    return app


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and give its exit code.

    0 ok, 1 failure, 2 usage, 130 interrupted. A failure is one line on stderr; ``--debug`` adds the traceback.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    try:
        code = _dispatch(arguments)
        # Here, where a reader that went away or a full disk is still ours to tell; at its end Python would.
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED, debug)
    except BrokenPipeError:
        # The reader of our output went away; that is its right.
        _leave_stdout()
        return OK
    except SystemExit as stopped:
        # Nothing of ours exits: this is how the library that prints the help takes a reader that went away.
        return OK if _reader_is_gone() else FAILURE if stopped.code else OK
    except UsageError as error:
        return _fail(str(error), USAGE, debug)
    except SteelyardError as error:
        return _fail(str(error), FAILURE, debug)
    except MemoryError:
        return _fail("out of memory: use fewer rows, fewer arms or fewer --jobs", FAILURE, debug)
    except OSError as error:
        with contextlib.suppress(ValueError):
            try:
                sys.stdout.flush()
            except OSError:
                _leave_stdout()
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}", FAILURE, debug)
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        return _fail(f"internal error: {what} (run again with --debug and report it)", FAILURE, debug)


def _dispatch(arguments: list[str]) -> int:
    for argument in arguments:
        if argument != argument.encode("utf-8", "replace").decode("utf-8"):
            raise UsageError(f"an argument is not valid UTF-8: {argument.encode('utf-8', 'replace').decode('utf-8')}")
    if arguments in (["--help"], ["-h"]):
        print(overview())
        return OK
    if arguments == ["--version"]:
        print(_version())
        return OK
    if not arguments:
        print(overview(), file=sys.stderr)
        return USAGE
    return _run(arguments)


def _run(arguments: list[str]) -> int:
    import cyclopts

    try:
        result = make_app()(arguments)
    except cyclopts.CycloptsError as error:
        text = " ".join(str(error).split())
        raise UsageError(f"{text} (see --help)" if text else "wrong arguments, see --help") from error
    return result if isinstance(result, int) else OK


def _leave_stdout() -> None:
    """What is still in the buffer of stdout goes nowhere: Python would fail at it once more when it ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _reader_is_gone() -> bool:
    # It has turned stdout to the null device by then.
    try:
        return os.path.samestat(os.fstat(sys.stdout.fileno()), Path(os.devnull).stat())
    except (OSError, ValueError):
        return False


def _version() -> str:
    import importlib.metadata

    return importlib.metadata.version("steelyard")


def _fail(text: str, code: int, debug: bool) -> int:
    if debug:
        import traceback

        traceback.print_exc()
    line = " ".join(text.split())
    print(f"steelyard: {'error: ' if code != INTERRUPTED else ''}{line}", file=sys.stderr)
    return code


def run() -> NoReturn:
    """Console script."""
    # Python has no stream object where the shell closed one (>&-).
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115
    # What is printed is data (CSV, JSON) or holds class names and paths: UTF-8 whatever the locale, as in files.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    sys.exit(main())

"""The house itself: what is imported when, what is public, what every component promises."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import steelyard
from steelyard.registry import PACKAGES, components

SOURCE = Path(steelyard.__file__).parent
HEAVY = ["torch", "numba", "sklearn", "scipy", "polars", "pandas", "altair", "lightgbm", "xgboost", "rich", "joblib"]


def loaded_by(code: str) -> set[str]:
    """Heavy libraries that running ``code`` in a fresh interpreter imports."""
    probe = f"{code}\nimport sys, json\nprint(json.dumps(sorted(set({HEAVY!r}) & set(sys.modules))))"
    out = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout
    return set(json.loads(out.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    [
        "import steelyard",
        "from steelyard.cli.main import main; main(['--help'])",
        "from steelyard.cli.main import main; main(['--version'])",
        "import steelyard; steelyard.class_weights([0, 0, 1])",
        "import steelyard; steelyard.Strategy.parse('inverse + focal + prior + threshold')",
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_used(code: str) -> None:
    assert loaded_by(code) == set()


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_the_overview_does_not_even_load_the_command_line_library(option: str) -> None:
    code = f"from steelyard.cli.main import main; main([{option!r}])"
    probe = f"{code}\nimport sys\nprint(sorted({{'cyclopts', 'numpy', 'inspect'}} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "[]"


def test_every_public_name_is_there_and_documented() -> None:
    assert steelyard.__all__ == sorted(steelyard.__all__)
    for name in steelyard.__all__:
        assert getattr(steelyard, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = steelyard.nothing


def test_the_lazy_names_are_the_ones_type_checkers_see() -> None:
    tree = ast.parse((SOURCE / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname or alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert seen == set(steelyard.__all__) - {"__version__"}


@pytest.mark.parametrize("kind", PACKAGES)
def test_one_component_is_one_file_with_a_test_of_its_own(kind: str) -> None:
    tests = Path(__file__).parent
    for name, cls in components(kind).items():
        if not cls.__module__.startswith("steelyard."):
            continue  # added by another test
        folder, module = cls.__module__.rsplit(".", 2)[-2:]
        assert name == module, f"{name} lives in {module}.py"
        assert cls.__doc__, name
        assert (tests / folder / f"test_{folder}_{module}.py").is_file(), f"{folder}/{module}.py has no test"


def test_files_stay_short() -> None:
    long = {
        str(path.relative_to(SOURCE)): n
        for path in SOURCE.rglob("*.py")
        if (n := len(path.read_text().splitlines())) > 400
    }
    assert long == {}


def test_nothing_is_pickled() -> None:
    for path in SOURCE.rglob("*.py"):
        names = {
            alias.name.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        } | {
            (node.module or "").split(".")[0]
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom)
        }
        assert not names & {"pickle", "dill", "cloudpickle", "marshal", "shelve"}, path

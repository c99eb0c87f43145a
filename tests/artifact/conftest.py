from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

import steelyard as sy
from steelyard.artifact.manifest import checksum


def thyroid(n=160, seed=0):
    """A small table of numbers, categories and gaps, and its labels."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(["negative", "primary", "sécondary <b>"], [n - 45, 30, 15]))
    frame = pl.DataFrame(
        {
            "TSH": rng.normal(size=n) + 2.0 * (y == "primary"),
            "T3": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n) + (y == "sécondary <b>")),
            "sex": rng.choice(["F", "M", ""], n),
        }
    )
    return frame, y


@pytest.fixture(scope="session")
def table():
    return thyroid()


@pytest.fixture(scope="session")
def study(table):
    return sy.run_study(*table, models="linear", strategies="inverse + multipliers; prior", folds=3)


@pytest.fixture
def rewrite():
    """Change a manifest the way somebody would who knows how its checksum is made."""

    def change(folder, edit, *, seal=True):
        path = folder / "steelyard.json"
        manifest = json.loads(path.read_text(encoding="utf-8"))
        manifest = edit(manifest) or manifest
        if seal:
            manifest["checksum"] = checksum(manifest)
        path.write_text(json.dumps(manifest), encoding="utf-8")

    return change

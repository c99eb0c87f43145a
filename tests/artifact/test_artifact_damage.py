"""Model directories that are damaged, incomplete or hostile: one clear error each, and nothing is run."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import steelyard as sy
from steelyard.api.prepare import FoldOptions, RawTable
from steelyard.api.train import train_arm
from steelyard.artifact.foreign import check_trees
from steelyard.artifact.manifest import ARRAYS, ESTIMATOR, MANIFEST, file_entry
from steelyard.errors import ArtifactError, SteelyardError
from steelyard.metrics import get_metric
from steelyard.models import parse_model


def train(table, model):
    frame, y = table
    raw = RawTable(features=frame, labels=y)
    arm = sy.Strategy.parse("inverse + multipliers"), parse_model(model)
    return train_arm(raw, *arm, metric=get_metric("macro_f1"), options=FoldOptions(n_folds=2))[0]


@pytest.fixture(scope="module")
def saved(table, tmp_path_factory):
    root = tmp_path_factory.mktemp("saved")
    train(table, "linear").save(root / "linear")
    train(table, DecisionTreeClassifier(max_depth=3, random_state=0)).save(root / "tree")
    return root


@pytest.fixture
def linear(saved, tmp_path):
    return shutil.copytree(saved / "linear", tmp_path / "model")


@pytest.fixture
def tree(saved, tmp_path):
    return shutil.copytree(saved / "tree", tmp_path / "model")


def refused(folder, match):
    with pytest.raises(ArtifactError, match=match) as caught:
        sy.load(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [MANIFEST, ARRAYS, ESTIMATOR])
def test_a_missing_file(tree, name):
    (tree / name).unlink()
    refused(tree, "is no model directory" if name == MANIFEST else f"{name} is missing")


@pytest.mark.parametrize("name", [MANIFEST, ARRAYS, ESTIMATOR])
@pytest.mark.parametrize("where", [0.0, 0.3, 0.6, 0.999])
def test_a_flipped_bit(tree, name, where):
    content = bytearray((tree / name).read_bytes())
    position = int(where * (len(content) - 2))
    content[position] ^= 1
    (tree / name).write_bytes(bytes(content))
    refused(tree, "damaged|changed after it was written|not the manifest|format version|is no file")


@pytest.mark.parametrize("name", [MANIFEST, ARRAYS, ESTIMATOR])
@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
def test_a_truncated_file(tree, name, kept):
    content = (tree / name).read_bytes()
    (tree / name).write_bytes(content[: int(kept * len(content))])
    refused(tree, "damaged")


@pytest.mark.parametrize("name", [ARRAYS, ESTIMATOR])
def test_a_damaged_file_under_a_manifest_that_was_sealed_again(tree, name, rewrite):
    content = (tree / name).read_bytes()
    (tree / name).write_bytes(content[: len(content) // 2])
    rewrite(tree, lambda m: m["files"].update({name: file_entry(tree / name)}))
    refused(tree, f"{name} is damaged")


def test_an_edited_manifest(linear, rewrite):
    rewrite(linear, lambda m: m["info"].update(score=0.99), seal=False)
    refused(linear, "was changed after it was written")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"3", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"format": "other"}', b"{}"],
    ids=lambda content: repr(content[:20]),
)
def test_a_manifest_that_is_none(linear, content):
    (linear / MANIFEST).write_bytes(content)
    refused(linear, "damaged|not the manifest")


@pytest.mark.parametrize("version", [0, 2, "1", None, 1e400])
def test_another_format_version(linear, rewrite, version):
    rewrite(linear, lambda m: m.update(format_version=version))
    refused(linear, "format version")


@pytest.mark.parametrize(
    "name", ["../secret.safetensors", "/etc/passwd", "a/../../b", "model.pkl", "", "steelyard.json"]
)
def test_names_of_other_files_are_not_followed(linear, rewrite, name):
    (linear.parent / "secret.safetensors").write_bytes(b"x")
    rewrite(linear, lambda m: m["files"].update({name: {"bytes": 1, "sha256": "0" * 64}}))
    refused(linear, "is no file of a model")


def test_a_folder_that_is_none_and_a_path_that_is_not_there(tmp_path):
    refused(tmp_path / "nowhere", "is not a folder")
    (tmp_path / "file").write_text("x")
    refused(tmp_path / "file", "is not a folder")
    refused(tmp_path, "is no model directory")


def keys(value, path=()):
    """Paths of everything in a manifest."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += keys(inner, (*path, key))
    return found


HOSTILE = [None, True, -1, 10**30, 1e308, "x", "", [], {}, [[]], "argmax.v99", float("nan")]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of absurd numbers, which it takes as they are
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_sealed_manifest_with_anything_in_it_never_breaks_out(saved, table, tmp_path_factory, data):
    """Whoever can write a checksum can write anything: loading fails in one line, or the model works."""
    manifest = json.loads((saved / "linear" / MANIFEST).read_text(encoding="utf-8"))
    where = data.draw(st.sampled_from([path for path in keys(manifest) if path[0] not in ("checksum",)]))
    value = data.draw(st.sampled_from(["(removed)", *HOSTILE]))
    holder = manifest
    for key in where[:-1]:
        holder = holder[key]
    if value == "(removed)":
        del holder[where[-1]]
    else:
        holder[where[-1]] = value
    folder = tmp_path_factory.mktemp("hostile")
    shutil.copy(saved / "linear" / ARRAYS, folder)
    from steelyard.artifact.manifest import checksum

    manifest["checksum"] = checksum(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    said = ""
    try:
        sy.load(folder).predict(table[0])
    except SteelyardError as error:
        said = str(error)
    finally:
        shutil.rmtree(folder)
    assert "\n" not in said


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_pickle_in_place_of_the_estimator_is_not_run(tree, rewrite, tmp_path):
    (tree / ESTIMATOR).write_bytes(pickle.dumps(Bomb(tmp_path / "pwned")))
    rewrite(tree, lambda m: m["files"].update({ESTIMATOR: file_entry(tree / ESTIMATOR)}))
    refused(tree, "damaged")
    assert not (tmp_path / "pwned").exists()


def replace_schema(folder, rewrite, change):
    """Change the part of a skops file that says which types to make."""
    archive = zipfile.ZipFile(folder / ESTIMATOR)
    files = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(files["schema.json"])
    change(schema)
    files["schema.json"] = json.dumps(schema).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, content in files.items():
            made.writestr(name, content)
    (folder / ESTIMATOR).write_bytes(out.getvalue())
    rewrite(folder, lambda m: m["files"].update({ESTIMATOR: file_entry(folder / ESTIMATOR)}))


@pytest.mark.parametrize(
    ("module", "kind"), [("os", "system"), ("builtins", "eval"), ("subprocess", "Popen"), ("shutil", "rmtree")]
)
def test_types_that_were_not_reviewed_are_refused(tree, rewrite, module, kind):
    def change(schema):
        schema["__module__"], schema["__class__"] = module, kind

    replace_schema(tree, rewrite, change)
    refused(tree, f"types that are not trusted: {module}.{kind}")


def test_a_type_of_ones_own_is_loaded_when_it_is_trusted(table, tmp_path):
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.naive_bayes import GaussianNB

    frame, y = table
    raw = RawTable(features=frame, labels=y)
    arm = sy.Strategy(), parse_model(CalibratedClassifierCV(GaussianNB(), cv=2))
    trained = train_arm(raw, *arm, metric=get_metric("macro_f1"), options=FoldOptions(n_folds=2))[0]
    folder = trained.save(tmp_path / "model")
    refused(folder, r"types that are not trusted: sklearn\.calibration.* steelyard\.load\(path, trusted=")
    names = ("sklearn.calibration._CalibratedClassifier", "sklearn.calibration._SigmoidCalibration")
    loaded = sy.load(folder, trusted=names)
    assert np.array_equal(loaded.predict_proba(frame), trained.predict_proba(frame))


def fitted(estimator):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    return estimator.fit(X, (X[:, 0] + 0.3 * rng.normal(size=80) > 0).astype(int))


def edited(tree, **changes):
    """A fitted tree with links changed, as a hostile file can hold."""
    state = tree.tree_.__getstate__()
    nodes = state["nodes"].copy()
    for name, (node, value) in changes.items():
        nodes[name][node] = value
    tree.tree_.__setstate__({**state, "nodes": nodes})


@pytest.mark.parametrize(
    "changes",
    [
        {"left_child": (0, 10_000)},
        {"right_child": (0, 10_000)},
        {"right_child": (0, -7)},
        {"left_child": (0, -7)},
        {"left_child": (0, -2)},
        {"left_child": (0, 0)},
        {"feature": (0, 3)},
        {"feature": (0, -9)},
    ],
    ids=str,
)
@pytest.mark.parametrize("wrap", ["tree", "forest", "vote of forests", "pipeline"])
def test_trees_that_point_outside_themselves_are_refused(tmp_path, changes, wrap):
    if wrap == "tree":
        made = fitted(DecisionTreeClassifier(random_state=0))
        edited(made, **changes)
    else:
        forest = RandomForestClassifier(n_estimators=3, random_state=0)
        made = {
            "forest": lambda: forest,
            "vote of forests": lambda: VotingClassifier([("a", forest)], voting="soft"),
            "pipeline": lambda: make_pipeline(StandardScaler(), forest),
        }[wrap]()
        fitted(made)
        inner = {"forest": lambda: made, "vote of forests": lambda: made.estimators_[0], "pipeline": lambda: made[-1]}
        edited(inner[wrap]().estimators_[1], **changes)
    with pytest.raises(ArtifactError, match="tree"):
        check_trees(made, tmp_path)


@pytest.mark.parametrize("wrap", [lambda f: f, lambda f: VotingClassifier([("a", f)], voting="soft")])
def test_sound_trees_are_let_through(tmp_path, wrap):
    check_trees(fitted(wrap(RandomForestClassifier(n_estimators=3, random_state=0))), tmp_path)


def test_boosted_trees_that_point_outside_themselves_are_refused(tmp_path):
    from sklearn.ensemble import HistGradientBoostingClassifier

    for name, value in (("left", 10_000), ("right", 10_000), ("right", 0), ("feature_idx", 9)):
        made = fitted(HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=5, random_state=0))
        check_trees(made, tmp_path)
        made._predictors[1][0].nodes[name][0] = value
        with pytest.raises(ArtifactError, match="tree"):
            check_trees(made, tmp_path)

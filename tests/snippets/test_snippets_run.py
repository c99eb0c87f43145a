"""Every snippet is run: for every component a strategy can name, with texts as labels."""

from __future__ import annotations

import numpy as np
import pytest

import steelyard as sy
from steelyard.registry import components
from steelyard.snippets import write_snippets

#: What cannot be made without parameters.
PARAMETERS = {
    "manual": 'manual(weights={"common": 1, "rare": 4, "scarce": 9})',
    "cost": "cost(matrix=[[0, 1, 1], [4, 0, 1], [9, 1, 0]])",
    "deploy_prior": 'deploy_prior(priors={"common": 0.5, "rare": 0.3, "scarce": 0.2})',
}
PARTS = sorted(
    PARAMETERS.get(name, name)
    for slot in ("weighting", "sampling", "adjustment", "decision")
    for name in components(slot)
)
LOSSES = sorted(name for name, cls in components("loss").items() if cls.multiclass)
COMPOSED = ["do_nothing", "inverse + balanced + prior + multipliers", "sqrt + oversample + unweight + multipliers"]


@pytest.fixture(scope="module")
def rows():
    """Three classes that can be told apart; arrays, as the snippets ask for."""
    rng = np.random.default_rng(0)
    y = rng.permutation(np.repeat(["common", "rare", "scarce"], [120, 40, 20]))
    X = rng.normal(size=(180, 4)) + 3.0 * (y == "rare")[:, None] - 3.0 * (y == "scarce")[:, None]
    return X, y


def run(code, **names):
    """Names that running the code leaves behind."""
    space = dict(names)
    exec(compile(code, "snippet", "exec"), space)
    return space


def binary(rows):
    X, y = rows
    kept = y != "scarce"
    return X[kept], y[kept]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("strategy", [*PARTS, *COMPOSED])
def test_scikit_learn_snippets_predict_labels(strategy, rows) -> None:
    X, y = rows
    if strategy in ("at_recall", "at_precision"):
        pytest.skip("a rule for two classes")
    found = run(write_snippets(strategy)["scikit-learn"], X=X, y=y, X_new=X)["predicted"]
    assert set(found) <= set(y)
    assert (np.asarray(found) == y).mean() > 0.7


@pytest.mark.parametrize("strategy", ["threshold", "inverse + threshold(metric=f1)", "at_recall", "at_precision"])
@pytest.mark.parametrize("library", ["scikit-learn", "PyTorch"])
def test_two_classes_are_cut_at_the_rarer_one(strategy, library, rows) -> None:
    X, y = binary(rows)
    names = {"X": X, "y": y, "X_new": X}
    if library == "PyTorch":
        torch = pytest.importorskip("torch")
        torch.manual_seed(0)
        names |= {"network": torch.nn.Linear(4, 2), "X_held_out": X, "y_held_out": y}
    left = run(write_snippets(strategy, n_classes=2)[library], **names)
    assert (np.asarray(left["predicted"]) == y).mean() > 0.6
    assert type(left["rule"]).__name__ in ("FittedCuts", "FittedThreshold")


@pytest.mark.parametrize("model", ["linear(C=0.5)", "mlp(hidden=32)", "boosting", "forest", "KNeighborsClassifier()"])
def test_the_scikit_learn_snippet_trains_a_model_like_the_winner(model, rows) -> None:
    X, y = rows
    code = write_snippets("inverse", model)["scikit-learn"]
    left = run(code, X=X, y=y, X_new=X)
    wanted = {"mlp": "MLP", "boosting": "HistGradientBoosting", "forest": "RandomForest"}
    assert type(left["model"]).__name__.startswith(wanted.get(model.split("(")[0], "LogisticRegression"))


@pytest.mark.parametrize("strategy", [*PARTS, *LOSSES, *COMPOSED, "inverse + focal(gamma=2)"])
def test_pytorch_snippets_train_and_decide(strategy, rows) -> None:
    torch = pytest.importorskip("torch")
    X, y = rows
    if strategy in ("at_recall", "at_precision"):
        pytest.skip("a rule for two classes")
    torch.manual_seed(0)
    network = sy.losses.CosineLinear(4, 3) if strategy == "ldam" else torch.nn.Linear(4, 3)
    before = network.weight.detach().clone()
    left = run(write_snippets(strategy)["PyTorch"], X=X, y=y, network=network, X_held_out=X, y_held_out=y)
    assert not torch.equal(before, network.weight)
    assert set(left["predicted"]) <= set(y.tolist())
    assert len(left["predicted"]) == len(y)


def test_the_weights_in_the_pytorch_snippet_are_those_of_the_strategy(rows) -> None:
    torch = pytest.importorskip("torch")
    X, y = rows
    left = run(
        write_snippets("inverse")["PyTorch"],
        X=X,
        y=y,
        network=torch.nn.Linear(4, 3),
        X_held_out=X,
    )
    # 180 rows in 3 classes: n / (3 n_c).
    assert left["loss"].weight.tolist() == pytest.approx([180 / 360, 180 / 120, 180 / 60])


@pytest.mark.parametrize("strategy", ["sqrt + balanced", "smote + prior + multipliers"])
def test_transformers_snippets_fine_tune(strategy, tmp_path, monkeypatch) -> None:
    transformers = pytest.importorskip("transformers")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    y = np.repeat(["common", "rare", "scarce"], [12, 5, 3]).tolist()
    names = sorted(set(y))
    data = [
        {"input_ids": rng.integers(1, 20, 6), "attention_mask": np.ones(6, int), "labels": names.index(label)}
        for label in y
    ]
    config = transformers.BertConfig(
        vocab_size=20,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
        max_position_embeddings=8,
        num_labels=3,
    )
    model = transformers.BertForSequenceClassification(config)
    before = model.classifier.weight.detach().clone()
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path),
        max_steps=2,
        per_device_train_batch_size=4,
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
        logging_strategy="no",
        save_strategy="no",
    )
    code = write_snippets(strategy)["Transformers"]
    left = run(code, model=model, training_args=arguments, train_dataset=data, y=y, held_out=data, y_held_out=y)
    assert not torch.equal(before, model.classifier.weight)
    assert set(left["predicted"]) <= set(names)
    if "balanced" in strategy:
        assert isinstance(left["trainer"]._get_train_sampler(), sy.samplers.ClassBalancedSampler)


def test_a_loss_scikit_learn_does_not_have_is_said_and_trained_here(rows) -> None:
    X, y = rows
    code = write_snippets("focal(gamma=2)", "linear")["scikit-learn"]
    assert "No estimator of scikit-learn is trained with focal(gamma=2)" in code
    assert set(run(code, X=X, y=y, X_new=X)["predicted"]) <= set(y)

"""Fine-tuning with small models made on the spot: against Transformers itself, and from end to end."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from finetune_cases import bert, sentences, torch, transformers, write_table

from steelyard import registry
from steelyard.api import run_study
from steelyard.artifact import load_model
from steelyard.cli.main import main
from steelyard.counts import count_labels
from steelyard.errors import ArtifactError, DataError, MissingExtraError, UsageError
from steelyard.features.checkpoint import find_checkpoint
from steelyard.losses import CrossEntropyLoss, FocalLoss
from steelyard.models import FitTask, model_from_saved, parse_model
from steelyard.models.hf import Hf
from steelyard.samplers import Balanced, Mixup

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return bert(tmp_path_factory.mktemp("bert"))


def task_of(n=120, **options) -> FitTask:
    texts, labels = sentences(n)
    _, codes = np.unique(labels, return_inverse=True)
    rows = np.array(texts, dtype=object)
    return FitTask(rows, codes, np.ones(n), 3, CrossEntropyLoss(), np.zeros(1, dtype=bool), 5, **options)


def spec(folder, **options) -> Hf:
    return Hf(str(folder), **{"epochs": 6, "learning_rate": 0.02, **options})


def test_texts_are_learned_and_the_same_seed_gives_the_same_model(folder):
    task = task_of()
    state = torch.random.get_rng_state()
    first, again = (spec(folder).fit(task).predict_proba(task.X) for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert np.array_equal(first, again)
    assert (first.argmax(axis=1) == task.codes).mean() > 0.9
    np.testing.assert_allclose(first.sum(axis=1), 1)
    assert not np.array_equal(first, spec(folder).fit(replace(task, seed=6)).predict_proba(task.X))


def test_probabilities_are_what_transformers_gives_for_the_saved_folder(folder, tmp_path):
    task = task_of(60)
    fitted = spec(folder, epochs=1).fit(task)
    fitted.to_state().write(tmp_path)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    with torch.no_grad():
        logits = model(**tokenizer(list(task.X), padding=True, return_tensors="pt")).logits
    np.testing.assert_allclose(fitted.predict_proba(task.X), logits.softmax(-1).numpy(), atol=1e-5)


def test_a_class_without_rows_has_no_probability_and_draws_or_mixtures_are_seen(folder):
    task = task_of()
    sparse = replace(task, codes=np.where(task.codes == 1, 0, task.codes))
    plain = spec(folder, epochs=2).fit(sparse).predict_proba(task.X)
    assert not plain[:, 1].any()
    rare = task.codes == 2
    drawn = spec(folder, epochs=2).fit(replace(sparse, sampling=Balanced())).predict_proba(task.X)
    heavy = np.where(rare, 20.0, 1.0)
    weighed = spec(folder, epochs=2).fit(replace(sparse, sample_weight=heavy)).predict_proba(task.X)
    assert drawn[:, 2].mean() > plain[:, 2].mean()
    assert weighed[:, 2].mean() > plain[:, 2].mean()
    mixed = spec(folder, epochs=2).fit(replace(sparse, sampling=Mixup())).predict_proba(task.X)
    assert not np.array_equal(mixed, plain)


def test_the_gradient_of_a_step_is_that_of_the_whole_batch_however_it_is_cut(folder, monkeypatch):
    """Accumulated over unequal texts, against the same loss by hand on all rows at once."""
    from steelyard.models._finetune import tuning
    from steelyard.models._finetune.trainer import TaskTrainer

    task = task_of(24)
    weight = np.array([0.5, 1.0, 3.0])[task.codes]
    task = replace(task, sample_weight=weight, loss=FocalLoss(gamma=2.0))
    kept = {}

    class OneStep(TaskTrainer):
        def train(self):
            self.create_optimizer()
            self.args.max_steps = 1
            self.add_callback(Keep())
            return super().train()

    class Keep(transformers.TrainerCallback):
        def on_pre_optimizer_step(self, args, state, control, model=None, **kwargs):
            kept["gradient"] = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
            kept["weights"] = {key: value.clone() for key, value in model.state_dict().items()}

    monkeypatch.setattr("steelyard.models._finetune.trainer.TaskTrainer", OneStep)
    monkeypatch.setattr(tuning, "held_out", lambda codes, rng: np.zeros(len(codes), dtype=bool))
    arguments = tuning._arguments

    def unclipped(*given):
        made = arguments(*given)
        made.max_grad_norm = 1e9
        return made

    monkeypatch.setattr(tuning, "_arguments", unclipped)
    fitted = spec(folder, batch=5, accumulation=5, epochs=1, learning_rate=1e-6).fit(task)
    model = fitted.model
    model.load_state_dict(kept["weights"])
    model.zero_grad()
    inputs = fitted.inputs.batch(fitted.inputs.items(task.X))
    log_p = model(**inputs).logits.log_softmax(-1)[torch.arange(24), torch.from_numpy(task.codes)]
    loss = (torch.from_numpy(weight) * -((1 - log_p.exp()) ** 2) * log_p).mean()
    loss.backward()
    wanted = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
    assert float((kept["gradient"] - wanted).abs().max() / wanted.abs().max()) < 1e-4


def test_it_is_the_loss_that_users_give_to_their_own_trainer(folder):
    """The strategy's loss in ``steelyard.integrations`` on the same batch, weights and all."""
    from steelyard.integrations.transformers import loss_function
    from steelyard.models._finetune.trainer import WeightedLoss
    from steelyard.models._finetune.tuning import _loss
    from steelyard.weighting import class_weights

    task = task_of(60, sampling=Mixup())
    counts = count_labels(task.codes.tolist())
    weighted = WeightedLoss(_loss(task, task.codes, 3), multilabel=False)
    weighted.weight = torch.tensor(class_weights(counts, "inverse").as_array())[task.codes].float()
    logits, labels = torch.randn(60, 3, generator=torch.Generator().manual_seed(0)), torch.from_numpy(task.codes)
    expected = loss_function("inverse", counts)({"logits": logits}, labels, 77)
    assert weighted({"logits": logits}, labels, 77).item() == pytest.approx(expected.item(), rel=1e-5)
    # A row mixed with one of its own class costs what it costs alone, before and after weights hold.
    share = torch.rand(60, generator=torch.Generator().manual_seed(1))
    for even, factors in ((False, None), (True, None), (False, np.array([1.0, 2.0, 0.5]))):
        weighted.even, weighted.factors, weighted.partner = even, factors, None
        alone = weighted({"logits": logits}, labels, 77).item()
        weighted.partner = (labels, weighted.weight, share)
        assert weighted({"logits": logits}, labels, 77).item() == pytest.approx(alone, rel=1e-5)


def test_study_train_predict_from_the_command_line(folder, tmp_path, capsys):
    texts, labels = sentences(90)
    table = write_table(tmp_path / "texts.csv", ["text", "label"], texts, labels)
    model = f"hf('{folder}', epochs=6, batch=6, learning_rate=0.02)"
    asked = ["--target", "label", "--text", "text", "--seed", "3"]
    out = tmp_path / "study"
    options = ["--strategies", "inverse; smote", "--folds", "2", "--out", str(out)]
    assert main(["study", str(table), *asked, "--jobs", "1", "--models", model, *options]) == 0
    assert "makes up rows of numbers" in capsys.readouterr().err
    record = json.loads((out / "study.json").read_text())
    assert {arm["strategy"] for arm in record["arms"]} == {"do_nothing", "inverse"}
    assert max(arm["score"] for arm in record["arms"]) > 0.6
    assert (out / "report.html").stat().st_size > 10_000
    arm = ["--model", model, "--strategy", "balanced", "--jobs", "1"]
    assert main(["train", str(table), *asked, *arm, "--out", str(tmp_path / "m")]) == 0
    assert main(["predict", str(tmp_path / "m"), str(table), "--proba", "--output", str(tmp_path / "p.csv")]) == 0
    found = pl.read_csv(tmp_path / "p.csv")
    assert (found["prediction"] == pl.Series(labels)).mean() > 0.8
    trained = load_model(tmp_path / "m")
    proba = trained.predict_proba(pl.DataFrame({"text": texts}))
    np.testing.assert_array_equal(found.select("^p:.*$").to_numpy(), proba)
    copy = trained.save(tmp_path / "copy")
    np.testing.assert_array_equal(load_model(copy).predict_proba(pl.DataFrame({"text": texts})), proba)
    (copy / "checkpoint" / "added.json").write_text("{}")
    with pytest.raises(ArtifactError, match="not listed"):
        load_model(copy)


def test_several_labels_a_row_some_unknown(folder, tmp_path):
    texts, labels = sentences(108)
    truth = np.array([[label == "rare", label != "mid"] for label in labels], dtype=float)
    truth[3:60:9, 1] = np.nan
    table, Y = pl.DataFrame({"text": texts}), pl.DataFrame(truth, schema=["bad", "kind"])
    model = str(spec(folder, epochs=6, batch=6, patience=6))
    result = run_study(table, Y, models=model, strategies="inverse; asymmetric", folds=2)
    assert len(result.record["arms"]) == 3
    assert max(arm["score"] for arm in result.record["arms"]) > 0.7
    trained = load_model(result.fit().save(tmp_path / "model"))
    proba = trained.predict_proba(pl.DataFrame({"text": ["w1 bad w2", "w1 odd"]}))
    assert (proba[0] > proba[1]).all()


def test_what_cannot_be_tuned_is_refused_before_anything_is_done(folder, tmp_path, capsys, monkeypatch):
    texts, labels = sentences(30)
    table = write_table(tmp_path / "texts.csv", ["text", "label"], texts, labels)
    numbers = write_table(tmp_path / "numbers.csv", ["a", "b", "label"], list(range(30)), [3, 1, 2] * 10, labels)
    out = tmp_path / "study"

    def error(data, model):
        code = main(["study", str(data), "--target", "label", "--models", model, "--out", str(out)])
        assert not out.exists()
        said = capsys.readouterr().err.splitlines()[-1]
        return code, said

    code, said = error(table, "hf(nobody/nothing-like-this)")
    assert code == 2
    assert "hf download nobody/nothing-like-this" in said
    assert error(table, "hf(/no/such/folder)")[1].endswith("name the folder of a Transformers model")
    assert "neither texts" in error(numbers, f"hf('{folder}')")[1]
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    (pickled / "config.json").write_text((folder / "config.json").read_text())
    (pickled / "pytorch_model.bin").write_bytes(b"never read")
    assert "pickled weights are never read" in error(table, f"hf('{pickled}')")[1]
    resnet = transformers.ResNetConfig(embedding_size=4, hidden_sizes=[4], depths=[1], layer_type="basic")
    transformers.ResNetModel(resnet).save_pretrained(tmp_path / "resnet")
    assert "a resnet, which is no model for texts" in error(table, f"hf('{tmp_path / 'resnet'}')")[1]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"steelyard\[text\]"):
        parse_model(f"hf('{folder}')")


def test_a_name_is_looked_up_in_the_users_cache(folder, tmp_path, monkeypatch):
    """The cache's layout as huggingface_hub documents it: refs name a snapshot."""
    place = tmp_path / "models--some--bert"
    shutil.copytree(folder, place / "snapshots" / "abc")
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("abc")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert find_checkpoint("some/bert", "hf") == place / "snapshots" / "abc"
    assert str(parse_model("hf(some/bert)")) == "hf(path=some/bert)"


def test_parameters_are_checked_and_paths_come_back_from_the_text_form():
    for wrong in ("hf('')", "hf(a/b, epochs=0)", "hf(a/b, learning_rate=-1)", "hf(a/b, augment=3)"):
        with pytest.raises(UsageError, match="hf: "):
            parse_model(wrong)
    for path in ("org/name-v1.5", "/data/my models/x (1), y", "C:\\models\\x", "../here", "0.5"):
        made = Hf(path, batch=8)
        with pytest.raises((UsageError, DataError), match="hf "):
            parse_model(str(made))
        assert registry.parse("model", str(made)) == model_from_saved(made.to_dict()) == made

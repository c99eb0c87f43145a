"""One fit: rows held out, examples drawn, the Trainer run, the best pass kept."""

from __future__ import annotations

import random
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from steelyard.counts import LabelCounts
from steelyard.errors import DataError, UsageError
from steelyard.features.checkpoint import load_part, quiet_transformers
from steelyard.losses.torch._from_component import torch_loss
from steelyard.models._base import FitTask, ModelState
from steelyard.models._finetune.fitted import FittedHf, threads_for
from steelyard.models._finetune.inputs import IGNORED, Examples, Inputs
from steelyard.models._finetune.kinds import inputs_for, kind_of_rows
from steelyard.models._training import held_out, held_out_multilabel

if TYPE_CHECKING:
    from steelyard.models.hf import Hf


def check_rows(spec: Hf, folder: Path, X: NDArray[Any]) -> None:
    """Refuse rows, or a model for rows, that cannot be tuned.

    Raises
    ------
    DataError
        When the folder's model is not of the kind that reads such rows.
    """
    import transformers

    kind = inputs_for(kind_of_rows(X))
    config = load_part(transformers.AutoConfig, folder, f"hf {spec.path}")
    if type(config) not in getattr(transformers, kind.auto)._model_mapping:
        raise DataError(f"hf {spec.path} is a {config.model_type}, which is no model for {kind.what}")
    kind.load(folder, config, f"hf {spec.path}", spec.max_length)


def finetune(spec: Hf, folder: Path, task: FitTask) -> FittedHf:
    """Model of a folder, tuned on the rows of a task."""
    import transformers

    if task.multilabel and task.following is not None:
        raise UsageError("validation_driven follows the recall of classes; these rows may have several labels")
    said = f"hf {spec.path}"
    kind = inputs_for(kind_of_rows(task.X))
    present, targets = _targets(task)
    rng = np.random.default_rng(task.seed)
    with seeded(task.seed), warnings.catch_warnings():
        # Libraries warn of their own futures, and of heads that are new, which is the point.
        warnings.simplefilter("ignore")
        config = load_part(
            transformers.AutoConfig, folder, said, num_labels=targets.shape[1] if task.multilabel else len(present),
            problem_type="multi_label_classification" if task.multilabel else "single_label_classification",
        )  # fmt: skip
        inputs = kind.load(folder, config, said, spec.max_length)
        model = load_part(
            getattr(transformers, kind.auto), folder, said, config=config, use_safetensors=True,
            ignore_mismatched_sizes=True, dtype=torch.float32,
        )  # fmt: skip
        _train(spec, model, inputs, task, targets, rng)
    return FittedHf(model.eval(), inputs, present, task.n_classes, task.multilabel)


def _targets(task: FitTask) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Classes, or labels, that have rows; and the targets of the rows as the model has them."""
    if task.multilabel:
        known = np.where(np.isnan(task.codes), IGNORED, task.codes).astype(np.float32)
        return np.flatnonzero((task.codes == 1).any(axis=0)), known
    present, codes = np.unique(task.codes, return_inverse=True)
    return present, codes.astype(np.int64)


def _train(
    spec: Hf, model: Any, inputs: Inputs, task: FitTask, targets: NDArray[Any], rng: np.random.Generator
) -> None:
    import transformers

    from steelyard.models._finetune.trainer import TaskTrainer, Watch, WeightedLoss

    held, rates = _held_out(task, targets, inputs, rng)
    train, watch = np.flatnonzero(~held), np.flatnonzero(held)
    weight = task.sample_weight.astype(np.float32)
    augment = int(rng.integers(2**31)) if spec.augment else None
    examples = inputs.examples(task.X[train], targets[train], weight[train], augment)
    judged = weight * (rates if weight.ndim == 1 else rates[:, None])
    if task.following is not None:
        # Weights that move cannot be what passes are compared by: every class counts the same.
        judged = 1.0 / np.maximum(np.bincount(targets[watch], minlength=targets.max() + 1), 1)[targets]
    watched = inputs.examples(task.X[watch], targets[watch], judged[watch].astype(np.float32))
    n_outputs = model.config.num_labels
    weighted = WeightedLoss(_loss(task, targets[train], n_outputs), task.multilabel)
    callback = Watch(task, weighted, _of_elements(watched), n_outputs, spec.epochs, spec.patience)
    with tempfile.TemporaryDirectory(prefix="steelyard-") as folder, quiet_transformers():
        trainer = TaskTrainer(
            weighted,
            _drawer(task, targets[train], examples, int(rng.integers(2**31))),
            float(task.sampling.mixing),
            model=model,
            args=_arguments(spec, Path(folder), task, len(watch) > 0),
            train_dataset=examples,
            eval_dataset=watched if len(watch) else None,
            data_collator=inputs.collate,
            compute_metrics=callback.metrics,
            callbacks=[callback],
        )
        trainer.remove_callback(transformers.PrinterCallback)
        with threads_for(model):
            trainer.train()
    if callback.best is not None:
        model.load_state_dict(callback.best)


def _arguments(spec: Hf, folder: Path, task: FitTask, watched: bool) -> Any:
    from transformers import TrainingArguments

    gpu = torch.cuda.is_available()
    half = gpu and torch.cuda.is_bf16_supported()
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=spec.epochs,
        per_device_train_batch_size=spec.batch,
        per_device_eval_batch_size=2 * spec.batch,
        gradient_accumulation_steps=spec.accumulation,
        learning_rate=spec.learning_rate,
        weight_decay=spec.weight_decay,
        lr_scheduler_type="linear",
        warmup_steps=0.1,
        bf16=half,
        fp16=gpu and not half,
        use_cpu=not gpu,
        eval_strategy="epoch" if watched else "no",
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
        seed=task.seed % 2**31,
        dataloader_pin_memory=gpu,
        remove_unused_columns=False,
        label_names=["labels"],
    )


def _held_out(
    task: FitTask, targets: NDArray[Any], inputs: Inputs, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Rows that are watched, and how often each row is drawn."""
    if task.multilabel:
        held, rates = held_out_multilabel(task.codes, rng), np.ones(len(targets))
    else:
        held, rates = held_out(targets, rng), task.sampling.rates(np.bincount(targets))[targets]
    return inputs.whole(task.X, held), rates


def _loss(task: FitTask, targets: NDArray[Any], n_outputs: int) -> Any:
    """PyTorch module of the task's loss, for the rows that are trained on."""
    if task.multilabel:
        counts, known = (targets == 1).sum(axis=0), (targets != IGNORED).sum(axis=0)
        held = LabelCounts(tuple(range(len(counts))), counts.astype(np.int64), known.astype(np.int64))
        return torch_loss(task.loss, held, multilabel=True, class_dim=-1)
    # A class whose rows are all held out, with their sentences, still has a place.
    counts = np.maximum(np.bincount(targets, minlength=n_outputs), 1)
    return torch_loss(task.loss, LabelCounts(tuple(range(len(counts))), counts.astype(np.int64)), class_dim=-1)


def _of_elements(watched: Examples) -> NDArray[np.float64]:
    """Weights of the watched elements that have a target."""
    if not len(watched):
        return np.zeros(0)
    if watched.ragged:
        labels, weights = np.concatenate(watched.labels), np.concatenate(watched.weights)
        return np.asarray(weights[labels != IGNORED], dtype=np.float64)
    return np.asarray(np.stack(watched.weights), dtype=np.float64)


def _drawer(task: FitTask, targets: NDArray[Any], examples: Examples, seed: int) -> Callable[[int], NDArray[np.int64]]:
    """Examples of each pass: the rows that the sampling draws, in an order of their own."""
    example_of = examples.of_row

    def draw(epoch: int) -> NDArray[np.int64]:
        rng = np.random.default_rng([seed, epoch])
        if task.multilabel or not task.sampling.raises_rare:
            return rng.permutation(len(examples))
        if examples.ragged:
            return task.sampling.draw_sequences(targets, example_of, task.n_classes, rng)
        return np.asarray(rng.permutation(task.sampling.draw(targets, task.n_classes, rng)))

    return draw


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Every source of randomness set, and put back afterwards."""
    state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002  # the Trainer sets this one
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    try:
        with torch.random.fork_rng(devices):
            torch.manual_seed(seed % 2**31)
            yield
    finally:
        random.setstate(state)
        np.random.set_state(numpy_state)  # noqa: NPY002


def restore(state: ModelState) -> FittedHf:
    """Fitted model from a state whose folder holds it."""
    return FittedHf.restore(state)

"""A strategy for the Trainer of Transformers."""

from __future__ import annotations

from steelyard.snippets._code import Recipe
from steelyard.snippets.pytorch import draws, head, mixing, tail


def transformers(recipe: Recipe) -> str:
    """Code that fine-tunes a classifier with ``compute_loss_func``, and a sampler where one is asked for."""
    sampler, rows, _ = draws(recipe)
    trainer = "Trainer"
    lines = [
        "# Yours: model, training_args, train_dataset, y (its labels, as text or numbers, one for each row), held_out"
        + (" and y_held_out." if recipe.decision else "."),
        '# The data sets\' column "labels" holds place[label].',
        "import numpy as np",
        "import torch",
        "from transformers import Trainer",
        "import steelyard as sy",
        "",
        *head(recipe),
    ]
    if mixing(recipe) is not None:
        lines += ["# Rows of text are not mixed; a model of numbers mixes them while it is trained."]
    if rows:
        # Rows of a data set are repeated or left out by number; made-up rows have no counterpart in text.
        if getattr(recipe.part("sampling"), "synthetic", False):
            lines += ["# Rows cannot be made up here: members of rare classes are repeated instead."]
            draw = "sy.samplers.Oversample(random_state=0)"
        else:
            draw = recipe.sampling
        lines += [
            f"chosen, _ = {draw}.fit_resample(np.arange(len(y))[:, None], y)",
            "train_dataset = torch.utils.data.Subset(train_dataset, chosen.ravel().tolist())",
        ]
    lines += [
        "",
        "",
        "def compute_loss(outputs, labels, num_items_in_batch=None):",
        "    return loss.to(outputs.logits.device)(outputs.logits, labels, num_items=num_items_in_batch)",
        "",
        "",
    ]
    if sampler:
        trainer = "BalancedTrainer"
        call = sampler.removeprefix("sampler = ").rstrip().removesuffix(")")
        lines += [
            "class BalancedTrainer(Trainer):",
            "    def _get_train_sampler(self, train_dataset=None):",
            "        # The Trainer shares out the batches of one sampler among its processes.",
            f"        return {call}, rank=0, world_size=1)",
            "",
            "",
        ]
    lines += [
        f"trainer = {trainer}(",
        "    model=model, args=training_args, train_dataset=train_dataset, compute_loss_func=compute_loss",
        ")",
        "trainer.train()",
    ]
    logits = "torch.as_tensor(trainer.predict(held_out).predictions)"
    return "\n".join([*lines, *tail(recipe, logits), ""])

"""Fine-tuning with Transformers; imported only where a model is tuned or used."""

from __future__ import annotations

from steelyard.models._finetune.tuning import check_rows, finetune, restore

__all__ = ["check_rows", "finetune", "restore"]

"""Labels of the rows that a Subset or a ConcatDataset really gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from steelyard.errors import DataError, UsageError
from steelyard.samplers import ClassBalancedSampler, WeightedSampler

torch = pytest.importorskip("torch")
data = torch.utils.data


class Images(data.Dataset):  # type: ignore[misc]
    def __init__(self, targets: Any, classes: list[str] | None = None) -> None:
        self.targets = targets
        if classes:
            self.classes = classes

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, row: int) -> tuple[int, Any]:
        return row, self.targets[row]


TARGETS = [0] * 80 + [1] * 20
SHUFFLED = np.random.default_rng(0).permutation(100)


def shares(dataset: Any, sampler: Any) -> dict[Any, float]:
    """Class shares as a loader sees them: from the items of the dataset, not from the labels the sampler has."""
    seen = [dataset[row][1] for row in sampler]
    return {name: seen.count(name) / len(seen) for name in sorted(set(seen))}


@pytest.mark.parametrize(
    "dataset",
    [
        Images(TARGETS),
        data.Subset(Images(TARGETS), list(range(40, 95))),
        data.Subset(data.Subset(Images(TARGETS), SHUFFLED.tolist()), torch.arange(0, 100, 2)),
        data.ConcatDataset([Images(TARGETS), data.Subset(Images(torch.tensor(TARGETS)), [3, 99, 5])]),
        data.Subset(data.ConcatDataset([Images(TARGETS), Images(TARGETS)]), list(range(70, 190))),
    ],
    ids=["plain", "subset", "subset of subset", "concatenation", "subset of concatenation"],
)
def test_drawn_items_are_balanced(dataset: Any) -> None:
    sampler = ClassBalancedSampler.from_dataset(dataset, num_samples=2000, replacement=False)
    found = {int(name): share for name, share in shares(dataset, sampler).items()}
    assert found == {0: 0.5, 1: 0.5}
    assert sampler.n_rows == len(dataset)


def test_given_labels_of_the_whole_follow_the_subset() -> None:
    subset = data.Subset(Images(TARGETS), SHUFFLED[:60].tolist())
    whole = ClassBalancedSampler.from_dataset(subset, TARGETS, num_samples=500)
    own = ClassBalancedSampler.from_dataset(subset, [TARGETS[row] for row in SHUFFLED[:60]], num_samples=500)
    assert list(whole) == list(own)
    weights = np.where(np.array(TARGETS) == 1, 1.0, 0.0)
    assert shares(subset, WeightedSampler.from_dataset(subset, weights, num_samples=50)) == {1: 1.0}


def test_folders_that_number_their_classes_each_for_itself() -> None:
    first = Images([0, 0, 0, 1], ["cat", "dog"])
    second = Images([0, 1, 1], ["dog", "fox"])
    sampler = ClassBalancedSampler.from_dataset(data.ConcatDataset([first, second]))
    assert sampler.classes == ("cat", "dog", "fox")
    assert sampler.audit().data.tolist() == [3 / 7, 2 / 7, 2 / 7]


def test_labels_by_name_and_in_tensors() -> None:
    table = type("Table", (), {"kind": ["a", "a", "b"], "__len__": lambda self: 3})()
    assert ClassBalancedSampler.from_dataset(table, "kind").classes == ("a", "b")
    tensors = data.TensorDataset(torch.zeros(4, 2), torch.tensor([5, 5, 5, 7]))
    assert ClassBalancedSampler.from_dataset(tensors).classes == (5, 7)
    rows = type(
        "Rows", (), {"column_names": ["x", "label"], "__getitem__": lambda s, k: [1, 2], "__len__": lambda s: 2}
    )()
    assert ClassBalancedSampler.from_dataset(rows).classes == (1, 2)


@pytest.mark.parametrize(
    ("dataset", "labels", "error", "message"),
    [
        (Images(TARGETS), TARGETS[:-1], DataError, "99 labels for a dataset of 100 rows"),
        (data.Subset(Images(TARGETS), [1, 2]), TARGETS[:50], DataError, "50 labels for a subset of 2 out of 100 rows"),
        (data.Subset(Images(TARGETS), SHUFFLED.tolist()), TARGETS, UsageError, "order of the subset or of the whole"),
        (range(3), None, DataError, "a range has no targets"),
        (Images(TARGETS), "kind", DataError, "has no kind"),
    ],
)
def test_labels_that_do_not_belong(dataset: Any, labels: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ClassBalancedSampler.from_dataset(dataset, labels)

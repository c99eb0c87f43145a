"""Text columns as numbers: n-grams counted without a vocabulary, weighed by what the training rows say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import ArtifactError

if TYPE_CHECKING:
    import polars as pl
    from scipy.sparse import csr_array


@dataclass(frozen=True)
class Block:
    """One way of counting, in scikit-learn's words.

    Attributes
    ----------
    analyzer : {"word", "char_wb"}
    ngram_range : tuple of int
        Shortest and longest n-gram.
    lowercase : bool
    token_pattern : str, optional
        What is a word.
    """

    analyzer: str
    ngram_range: tuple[int, int]
    lowercase: bool = True
    token_pattern: str | None = None


#: What is counted in each text. scikit-learn's own pattern leaves out words of one letter, "I" and "a" among them, and
#: all signs. SHOUTING and "!!!" have their own block: they say something that the words do not.
BLOCKS = (
    Block("word", (1, 2), token_pattern=r"(?u)\b\w+\b|[^\w\s]"),
    Block("char_wb", (3, 4)),
    Block("word", (1, 1), lowercase=False, token_pattern=r"(?u)\b\w+\b|[^\w\s]+"),
)
#: Places of a block. A few hundred thousand different n-grams share one only now and then.
N_HASHED = 2**20
#: Longer texts are cut: what a class looks like shows earlier, and one text of many megabytes would stop a study.
LONGEST = 100_000
#: An n-gram in fewer training texts than this is left out: it cannot be learned from.
MIN_TEXTS = 2
#: Columns a projection gives, and the n-grams, the most frequent ones, that it is made from.
N_PROJECTED = 128
N_PROJECTABLE = 50_000


def count_ngrams(series: pl.Series) -> tuple[csr_array, ...]:
    """Counts of hashed n-grams, one matrix (n_texts, N_HASHED) of float32 for each block.

    A missing text counts as an empty one. Hashing needs no training rows, so that a study counts once and every
    fold shares the counts.

    Examples
    --------
    >>> import polars as pl
    >>> words, characters, cased = count_ngrams(pl.Series(["good morning", None]))
    >>> words.sum(axis=1).tolist()
    [3.0, 0.0]
    """
    from scipy.sparse import csr_array
    from sklearn.feature_extraction.text import HashingVectorizer

    texts = [text[:LONGEST] for text in series.fill_null("").to_list()]
    made = []
    for block in BLOCKS:
        counter = HashingVectorizer(
            **asdict(block), n_features=N_HASHED, norm=None, alternate_sign=False, dtype=np.float32
        )
        made.append(csr_array(counter.transform(texts)))
    return tuple(made)


@dataclass(frozen=True, eq=False)
class TfIdf:
    """Counts weighed by rarity: ``(1 + log count) * idf``, each row of each block of length 1.

    As scikit-learn's ``TfidfVectorizer(sublinear_tf=True)`` does for each block by itself, over the n-grams that
    at least two training texts hold.

    Attributes
    ----------
    columns : tuple of ndarray of int32
        Places of the n-grams that are kept, for each block.
    idf : tuple of ndarray of float32
        Inverse document frequency of each, ``log((1 + n) / (1 + texts)) + 1``.
    unweighed : int
        How many of the blocks, the last ones, hold features that are there or not, and stay as they are.
    """

    columns: tuple[NDArray[np.int32], ...]
    idf: tuple[NDArray[np.float32], ...]
    unweighed: int = 0

    @classmethod
    def learn(cls, blocks: Sequence[csr_array], unweighed: int = 0) -> TfIdf:
        """Weights from the counts of training texts."""
        columns, idf = [], []
        for counts in blocks:
            texts = np.bincount(counts.indices, minlength=N_HASHED)
            kept = np.flatnonzero(texts >= min(MIN_TEXTS, counts.shape[0])).astype(np.int32)
            columns.append(kept)
            idf.append((np.log((1 + counts.shape[0]) / (1 + texts[kept])) + 1).astype(np.float32))
        return cls(tuple(columns), tuple(idf), unweighed)

    @property
    def n_features(self) -> int:
        """Columns of what ``transform`` gives."""
        return sum(len(kept) for kept in self.columns)

    def transform(self, blocks: Sequence[csr_array]) -> csr_array:
        """Weighed counts of any texts, float32, shape (n_texts, n_features)."""
        from scipy.sparse import csr_array, hstack

        made = [_kept(counts, kept) for counts, kept in zip(blocks, self.columns, strict=True)]
        weighed = len(made) - self.unweighed
        made[:weighed] = [_weighed(*parts) for parts in zip(made[:weighed], self.idf[:weighed], strict=True)]
        return csr_array(hstack(made, format="csr"))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays by name."""
        made: dict[str, NDArray[Any]] = {}
        for block, (kept, idf) in enumerate(zip(self.columns, self.idf, strict=True)):
            made |= {f"text_columns{block}": kept, f"text_idf{block}": idf}
        return made

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], n_blocks: int, unweighed: int = 0) -> TfIdf:
        """Weights from :meth:`to_arrays`'s arrays."""
        columns = tuple(arrays[f"text_columns{block}"] for block in range(n_blocks))
        idf = tuple(arrays[f"text_idf{block}"] for block in range(n_blocks))
        if any(kept.size and not 0 <= kept.min() <= kept.max() < N_HASHED for kept in columns):
            raise ArtifactError("the saved text columns are damaged: a place is out of range; train and save again")
        return cls(columns, idf, unweighed)


def _kept(counts: csr_array, kept: NDArray[np.int32]) -> csr_array:
    """Columns of counts in that order, with sorted indices."""
    from scipy.sparse import csr_array

    place = np.full(N_HASHED, -1, dtype=np.int32)
    place[kept] = np.arange(len(kept), dtype=np.int32)
    found = place[counts.indices]
    known = found >= 0
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))[known]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=counts.shape[0]))]).astype(np.int32)
    made = csr_array((counts.data[known], found[known], indptr), shape=(counts.shape[0], len(kept)))
    made.sort_indices()
    return made


def _weighed(counts: csr_array, idf: NDArray[np.float32]) -> csr_array:
    """``(1 + log count) * idf``, rows of length 1."""
    from scipy.sparse import csr_array

    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    values = (1 + np.log(counts.data)) * idf[counts.indices]
    length = np.sqrt(np.bincount(rows, weights=values.astype(np.float64) ** 2, minlength=counts.shape[0]))
    values = (values / np.maximum(length, 1e-12)[rows]).astype(np.float32)
    return csr_array((values, counts.indices, counts.indptr), shape=counts.shape)


@dataclass(frozen=True, eq=False)
class Projection:
    """Dense directions of weighed counts, for models that cannot take sparse rows: latent semantic analysis.

    Attributes
    ----------
    features : ndarray of int32, shape (n_used,)
        Columns of the weighed counts that are used.
    components : ndarray of float32, shape (n_used, n_projected)
        What each adds to each direction, scaled so that training rows have variance 1 along it.
    """

    features: NDArray[np.int32]
    components: NDArray[np.float32]

    @classmethod
    def learn(cls, weighed: csr_array, seed: int = 0) -> Projection:
        """Leading right singular vectors of training rows, by randomised iteration (Halko et al. 2011)."""
        from scipy.sparse import csr_array
        from sklearn.utils.extmath import randomized_svd

        texts = np.bincount(weighed.indices, minlength=weighed.shape[1])
        most = np.sort(np.argsort(-texts, kind="stable")[:N_PROJECTABLE]).astype(np.int32)
        used = csr_array(weighed[:, most])
        n_projected = min(N_PROJECTED, *used.shape)
        _, _, directions = randomized_svd(used, n_projected, n_iter=2, random_state=seed)
        spread = (used @ directions.T).std(axis=0)
        return cls(most, (directions / np.maximum(spread, 1e-6)[:, None]).T.astype(np.float32))

    def transform(self, weighed: csr_array) -> NDArray[np.float64]:
        """Rows along the directions, shape (n_texts, n_projected)."""
        made: NDArray[np.float64] = (weighed[:, self.features] @ self.components).astype(np.float64)
        return made

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays by name."""
        return {"text_features": self.features, "text_components": self.components}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Projection:
        """Projection from :meth:`to_arrays`'s arrays."""
        return cls(arrays["text_features"], arrays["text_components"])

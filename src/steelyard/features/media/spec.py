"""Which columns a collection of files is described by: kept with a model, so that new files are described alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steelyard.errors import ArtifactError, UsageError
from steelyard.features.checkpoint import EncoderFacts
from steelyard.features.media import descriptors, video
from steelyard.features.media import text as texts
from steelyard.features.media.kinds import IMAGE, KINDS, TEXT, VIDEO

if TYPE_CHECKING:
    import polars as pl

#: Column that says what kind of file a row is, where there are several.
KIND_COLUMN = "kind of file"
#: Column of the paths of files, for models that read them themselves.
FILE_COLUMN = "file"
#: Column of what text files hold.
TEXT_COLUMN = "text"
_VERSIONS = {IMAGE: descriptors.VERSION, VIDEO: video.VERSION, TEXT: texts.VERSION}


@dataclass(frozen=True)
class MediaFeatures:
    """Columns that files are described by.

    Parameters
    ----------
    kinds : tuple of str
        Kinds of files that can be described: ``"image"``, ``"video"``, ``"text"``.
    encoder : EncoderFacts, optional
        Vision model whose embeddings replace the descriptors of images and frames.
    n_frames : int, default 8
        Frames sampled from a video.

    Raises
    ------
    UsageError
        When a kind is not known.

    Examples
    --------
    >>> media = MediaFeatures(("image", "video"))
    >>> len(media.columns), media.columns[-1]
    (685, 'duration')
    """

    kinds: tuple[str, ...]
    encoder: EncoderFacts | None = None
    n_frames: int = 8

    def __post_init__(self) -> None:
        unknown = [kind for kind in self.kinds if kind not in KINDS]
        if unknown or not self.kinds:
            raise UsageError(f"kinds of files are {', '.join(KINDS)}, not {', '.join(map(repr, self.kinds)) or 'none'}")
        if self.n_frames < 1:
            raise UsageError(f"n_frames must be at least 1, not {self.n_frames}")

    @cached_property
    def blocks(self) -> dict[str, tuple[str, ...]]:
        """Names of the numeric columns by block; images and videos share the first."""
        found: dict[str, tuple[str, ...]] = {}
        if IMAGE in self.kinds or VIDEO in self.kinds:
            found["visual"] = self._visual
        if VIDEO in self.kinds:
            found["motion"] = video.MOTION if self.encoder else (*video.SPREAD, *video.MOTION)
        return found

    @property
    def _visual(self) -> tuple[str, ...]:
        if self.encoder is None:
            return descriptors.names()
        return tuple(f"embedding {number}" for number in range(self.encoder.width))

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the numeric columns."""
        return tuple(name for names in self.blocks.values() for name in names)

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Names of the columns of text, none or one."""
        return (TEXT_COLUMN,) if TEXT in self.kinds else ()

    @property
    def file_columns(self) -> tuple[str, ...]:
        """Names of the columns of paths, none or one."""
        return (FILE_COLUMN,) if self.columns else ()

    def extractor(self, kind: str) -> str:
        """What the numbers of a kind depend on beside the file: the key of a cache."""
        parts = [f"{kind}.v{_VERSIONS[kind]}"]
        if kind == VIDEO:
            parts.append(f"frames={self.n_frames}")
        if kind != TEXT:
            parts.append(f"encoder={self.encoder.digest}" if self.encoder else f"descriptors.v{descriptors.VERSION}")
        return " ".join(parts)

    def width(self, kind: str) -> int:
        """Numbers that describe a file of a kind."""
        return sum(len(self.blocks[block]) for block in _BLOCKS_OF[kind])

    def place(self, kind: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Row of all columns with the numbers of one file in their place, 0 in the columns of other kinds."""
        row = np.zeros(len(self.columns), dtype=np.float32)
        start, taken = 0, 0
        for block, names in self.blocks.items():
            if block in _BLOCKS_OF[kind]:
                row[start : start + len(names)] = values[taken : taken + len(names)]
                taken += len(names)
            start += len(names)
        return row

    def frame(self, kinds: list[str], values: NDArray[np.float32], texts: list[str | None]) -> pl.DataFrame:
        """Table of files: the numeric columns, the text, and the kind of file where there are several."""
        import polars as pl

        table = pl.DataFrame(values.astype(np.float64), schema=list(self.columns), orient="row")
        more = [pl.Series(name, texts, dtype=pl.String) for name in self.text_columns]
        if len(self.kinds) > 1:
            more.append(pl.Series(KIND_COLUMN, kinds, dtype=pl.String))
        return table.with_columns(more) if self.columns else pl.DataFrame(more)

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "kinds": list(self.kinds),
            "encoder": None if self.encoder is None else asdict(self.encoder),
            "n_frames": self.n_frames,
            "extractors": {kind: self.extractor(kind) for kind in self.kinds},
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> MediaFeatures:
        """Columns from their JSON form.

        Raises
        ------
        ArtifactError
            When it is damaged, or this release describes files differently.
        """
        try:
            encoder = saved["encoder"]
            made = cls(
                tuple(saved["kinds"]),
                None
                if encoder is None
                else EncoderFacts(str(encoder["source"]), str(encoder["digest"]), int(encoder["width"])),
                int(saved["n_frames"]),
            )
            extractors = {kind: made.extractor(kind) for kind in made.kinds}
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError(f"the saved description of files is damaged: {error}") from None
        if extractors != saved.get("extractors"):
            raise ArtifactError(
                "the model was trained on files described in another way than this release does; train it again"
            )
        return made


_BLOCKS_OF = {IMAGE: ("visual",), VIDEO: ("visual", "motion"), TEXT: ()}

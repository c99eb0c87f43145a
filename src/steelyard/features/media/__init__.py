"""Files to numbers: images, videos and short texts described by numeric columns, so that a table study takes them."""

from __future__ import annotations

from steelyard.features.media.cache import FeatureCache, cache_folder
from steelyard.features.media.duplicates import duplicate_files
from steelyard.features.media.extraction import Extracted, extract
from steelyard.features.media.kinds import KINDS, kind_of
from steelyard.features.media.spec import MediaFeatures

__all__ = [
    "KINDS",
    "Extracted",
    "FeatureCache",
    "MediaFeatures",
    "cache_folder",
    "duplicate_files",
    "extract",
    "kind_of",
]

from __future__ import annotations

import pytest
from sample_studies import (
    bare_study,
    curves_study,
    many_arms_study,
    middling_study,
    no_gain_study,
    thyroid_study,
    wide_curves_study,
    wide_study,
)

from steelyard.report import render_report


@pytest.fixture(scope="session")
def pages() -> dict[str, str]:
    """Reports of the sample studies by the name of the function that makes them."""
    makers = (
        thyroid_study,
        wide_study,
        middling_study,
        no_gain_study,
        many_arms_study,
        bare_study,
        curves_study,
        wide_curves_study,
    )
    return {maker.__name__: render_report(maker()) for maker in makers}

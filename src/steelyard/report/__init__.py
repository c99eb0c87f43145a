"""The report of a study: one HTML file that needs no network and no JavaScript.

A study's dict (what ``study.json`` holds) becomes a frozen view (`view`), the view becomes charts (`charts`)
and a page (`page`). Words and numbers are formatted in one place (`words`), so that the page says a thing one
way only.
"""

from __future__ import annotations

from steelyard.report.inline import InlineReport
from steelyard.report.page import load_ahead, render_report, write_report

__all__ = ["InlineReport", "load_ahead", "render_report", "write_report"]

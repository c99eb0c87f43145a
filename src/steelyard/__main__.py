"""``python -m steelyard``."""

from __future__ import annotations

from steelyard.cli.main import run

if __name__ == "__main__":
    run()

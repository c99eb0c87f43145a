"""Pictures of a report at 1280 and 400 px, light and dark: ``python scripts/screenshots.py report.html folder``.

Needs Debian's chromium, or another one named by the environment variable CHROMIUM.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

SIZES = {1280: 900, 400: 860}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def main(report: Path, folder: Path, *, whole: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=FLAGS
        )
        for width, height in SIZES.items():
            for scheme in ("light", "dark"):
                page = browser.new_page(
                    viewport={"width": width, "height": height},
                    color_scheme=scheme,
                    device_scale_factor=1,
                )
                page.goto(report.resolve().as_uri())
                target = folder / f"report-{width}-{scheme}.png"
                page.screenshot(path=target, full_page=whole)
                print(target)
                page.close()
        browser.close()


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--whole"]
    if len(arguments) != 2:
        sys.exit("usage: screenshots.py REPORT FOLDER [--whole]")
    main(Path(arguments[0]), Path(arguments[1]), whole="--whole" in sys.argv)

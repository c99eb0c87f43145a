"""Folders of files: time to features, time from the cache, time to sort, and what fifty kills leave behind.

    python benchmarks/folders.py [--quick] [--photos FOLDER]

With ``--photos`` (a folder with one sub-folder per class) the study's best arms are compared with plain logistic
regression on the same features and folds, with an interval.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

N_CLASSES = 6

SORTER = """
import sys
from pathlib import Path
from folders_benchmark import plan
from steelyard.collection import carry_out, locked
folder, into = Path(sys.argv[1]), Path(sys.argv[2])
with locked(into):
    placed = plan(folder, into)
    print("ready", flush=True)
    carry_out(placed, folder, into, move=sys.argv[3] == "move")
"""


def plan(folder: Path, into: Path) -> list:
    """Every file to a class that its name gives: what is timed and killed here is not the model."""
    from steelyard.collection import Placement, place_files

    found = []
    for path in sorted(folder.iterdir()):
        if path.is_file():
            label = f"class-{int(path.stem) % N_CLASSES}"
            found.append(Placement(path, label, label, 0.9, hashlib.sha256(path.read_bytes()).digest()))
    return place_files(found, into)


def photos(folder: Path, number: int, side: int = 256) -> list[Path]:
    from PIL import Image

    rng = np.random.default_rng(0)
    folder.mkdir()
    coarse = rng.integers(0, 256, (number, 12, 12, 3), dtype=np.uint8)
    noise = rng.normal(0, 12, (side, side, 1))
    paths = []
    for index, values in enumerate(coarse):
        smooth = np.asarray(Image.fromarray(values).resize((side, side), Image.Resampling.BICUBIC), dtype=float)
        paths.append(folder / f"{index}.jpg")
        Image.fromarray(np.clip(smooth + np.roll(noise, index, 0), 0, 255).astype(np.uint8)).save(paths[-1], quality=85)
    return paths


def features(root: Path, number: int, rounds: int) -> None:
    from steelyard.features.media import FeatureCache, MediaFeatures, extract

    paths = photos(root / "photos", number)
    media = MediaFeatures(("image",))
    extract(paths[:32], media, n_jobs=2)
    start = time.process_time()
    extract(paths[:100], media)
    print(f"one image of 256 px, processor time {10 * (time.process_time() - start):.1f} ms")
    cold, warm = [], []
    for attempt in range(rounds):
        for times in (cold, warm):
            start = time.perf_counter()
            with FeatureCache(root / f"cache-{attempt}") as cache:
                extract(paths, media, n_jobs=2, cache=cache)
            times.append(time.perf_counter() - start)
    for name, times in (("two processes", cold), ("from the cache", warm)):
        spread = f"{min(times):.2f} to {max(times):.2f}"
        print(f"{number} images of 256 px, {name:15} {statistics.median(times):6.2f} s ({spread})")


def sorting(root: Path, number: int) -> None:
    from steelyard.collection import carry_out, locked, undo_last

    folder = root / "files"
    folder.mkdir()
    rng = random.Random(0)
    for index in range(number):
        (folder / f"{index}.bin").write_bytes(rng.randbytes(20_000))
    for move in (False, True):
        into = root / ("moved" if move else "copied")
        into.mkdir()
        start, busy = time.perf_counter(), time.process_time()
        with locked(into):
            done = carry_out(plan(folder, into), folder, into, move=move)
        spent, busy = time.perf_counter() - start, time.process_time() - busy
        assert all(placement.outcome == "done" for placement in done.placements)
        start = time.perf_counter()
        undo_last(into)
        print(
            f"{number} files of 20 kB {'moved' if move else 'copied'} {spent:6.2f} s ({busy:.2f} s of processor time), "
            f"taken back {time.perf_counter() - start:6.2f} s"
        )


def kills(root: Path, times: int, number: int = 1000) -> None:
    """Sort, kill at a random moment, look; every so often take it back and look again."""
    (root / "folders_benchmark.py").write_bytes(Path(__file__).read_bytes())
    folder, into = root / "killed", root / "kills"
    folder.mkdir()
    into.mkdir()
    rng = random.Random(1)
    files = {f"{index}.bin": rng.randbytes(4000) for index in range(number)}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *sys.path])}
    bad, cut_off = 0, 0
    for attempt in range(times):
        mode = "move" if attempt // 5 % 2 else "copy"
        command = [sys.executable, "-c", SORTER, str(folder), str(into), mode]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(rng.random())
            process.send_signal(signal.SIGKILL)
            cut_off += process.wait() == -signal.SIGKILL
        bad += not whole(folder, into, files, mode)
        if attempt % 5 == 4:
            while any(path.is_file() for path in into.glob("class-*/*")):
                undo(into)
            bad += not whole(folder, into, files, "move")
            bad += len(list(folder.iterdir())) != number
    print(f"{times} kills ({cut_off} while sorting) of {number} files: {bad} times one was lost or doubled")


def undo(into: Path) -> None:
    from steelyard.collection import undo_last

    undo_last(into)


def whole(folder: Path, into: Path, files: dict[str, bytes], mode: str) -> bool:
    """Whether every file is there once (moved) or at most once beside its original (copied), to the last byte."""
    here = {path.name: path for path in folder.iterdir() if path.is_file()}
    there = [path for path in into.glob("class-*/*") if path.is_file()]
    if any(path.read_bytes() != files.get(path.name) for path in [*here.values(), *there]):
        return False
    places = Counter(path.name for path in there)
    if mode == "move":
        places.update(list(here))
    return set(places) | set(here) == set(files) and set(places.values()) <= {1}


def quality(folder: Path, models: str, strategies: str) -> None:
    """Best arm against plain logistic regression, on the same features, folds and rows."""
    from sklearn.linear_model import LogisticRegression

    from steelyard.api.collections import read_collection
    from steelyard.api.prepare import FoldOptions, prepare
    from steelyard.api.study import plan_maker, study_prepared
    from steelyard.study import check_arms

    data, facts = prepare(read_collection(folder, n_jobs=2), FoldOptions(5))
    plain = LogisticRegression(max_iter=1000)
    plan = plan_maker([*models.split(";"), plain], strategies, "macro_f1")(data.n_classes)
    result = study_prepared(check_arms(plan, data), data, facts, n_jobs=2)
    board = result.leaderboard
    print(board.select("strategy", "model", "score", "ci_low", "ci_high").head(12))
    print(board.filter((board["model"] == str(plan.arms[-1].model)) & (board["strategy"] == "do_nothing")))
    print(result.verdict.text)
    print(result.winner)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--photos", type=Path, help="folder with one sub-folder of images per class")
    parser.add_argument("--models", default="linear;linear(C=0.01);mlp;boosting;forest(n_estimators=300)")
    parser.add_argument("--strategies", default="standard")
    given = parser.parse_args()
    share = 10 if given.quick else 1
    if given.photos:
        quality(given.photos, given.models, given.strategies)
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        features(root, 1000 // share, 1 if given.quick else 3)
        sorting(root, 10_000 // share)
        kills(root, 50 // share)


if __name__ == "__main__":
    main()

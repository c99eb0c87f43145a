"""Many files at once: set aside what is bad, cache what is good, find what is there twice."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest
from media_files import SHARED, clip, disc, image_collection, save, stripes
from PIL import Image, ImageEnhance

from steelyard.errors import ArtifactError, UsageError
from steelyard.features.media import FeatureCache, MediaFeatures, duplicate_files, extract
from steelyard.features.media.video import sample_frames

IMAGES = MediaFeatures(("image",))


@pytest.fixture
def files(tmp_path):
    return sorted(image_collection(tmp_path / "data", 9, 3).rglob("*.*"))


def test_bad_files_are_set_aside_with_a_reason_and_order_is_kept(files, tmp_path):
    bad = {
        "cut.jpg": files[-1].read_bytes()[:500],
        "empty.png": b"",
        "fake.png": b"no picture",
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
    given = [files[3], *(tmp_path / name for name in bad), tmp_path / "gone.jpg", *files[:2], tmp_path / "a.docx"]
    found = extract(given, IMAGES)
    assert found.files == (files[3], files[0], files[1])
    assert [path.name for path, _ in found.problems] == ["cut.jpg", "empty.png", "fake.png", "gone.jpg", "a.docx"]
    assert all(reason for _, reason in found.problems)
    assert found.values.shape == (3, len(IMAGES.columns))


def test_processes_change_no_bit(files):
    assert np.array_equal(extract(files, IMAGES, n_jobs=1).values, extract(files, IMAGES, n_jobs=2).values)


def counted(monkeypatch):
    import steelyard.features.media.reading as module

    calls = []
    real = module._describe_file
    monkeypatch.setattr(module, "_describe_file", lambda path, media: calls.append(path) or real(path, media))
    return calls


def test_the_second_time_comes_from_the_cache(files, monkeypatch):
    calls = counted(monkeypatch)
    with FeatureCache() as cache:
        first = extract(files, IMAGES, cache=cache)
    with FeatureCache() as cache:
        second = extract(files, IMAGES, cache=cache)
    assert len(calls) == len(files)
    assert np.array_equal(first.values, second.values)
    assert np.array_equal(first.fingerprints, second.fingerprints)


def test_a_changed_file_is_described_anew(files, monkeypatch):
    with FeatureCache() as cache:
        extract(files, IMAGES, cache=cache)
        stripes(99).save(files[0])
        calls = counted(monkeypatch)
        extract(files, IMAGES, cache=cache)
    assert calls == [files[0]]


def test_a_damaged_entry_is_made_again_and_a_damaged_cache_begun_anew(files, own_cache, monkeypatch):
    with FeatureCache() as cache:
        good = extract(files, IMAGES, cache=cache).values
    path = own_cache / "features.sqlite"
    with sqlite3.connect(path) as db:
        (blob,) = db.execute("SELECT value FROM features ORDER BY digest LIMIT 1").fetchone()
        torn = blob[:100] + bytes([blob[100] ^ 1]) + blob[101:]
        db.execute("UPDATE features SET value = ? WHERE value = ?", (torn, blob))
        db.execute("UPDATE features SET value = 'text' WHERE digest = (SELECT max(digest) FROM features)")
    db.close()
    calls = counted(monkeypatch)
    with FeatureCache() as cache:
        assert np.array_equal(extract(files, IMAGES, cache=cache).values, good)
    assert len(calls) == 2
    for damage in (b"this is no database" * 100, path.read_bytes()[:5000] + b"\xff" * 20000):
        path.write_bytes(damage)
        with FeatureCache() as cache:
            assert np.array_equal(extract(files, IMAGES, cache=cache).values, good)
        with FeatureCache() as cache:
            calls.clear()
            extract(files, IMAGES, cache=cache)
        assert calls == []


def test_a_cache_that_cannot_be_written_is_done_without(files, tmp_path):
    (tmp_path / "file").write_text("x")
    with FeatureCache(tmp_path / "file") as cache:
        assert len(extract(files, IMAGES, cache=cache).files) == len(files)


def test_copies_share_a_group_and_others_do_not(files, tmp_path):
    with Image.open(files[0]) as image:
        picture = image.convert("RGB")
    near = [
        save(picture, tmp_path / "saved.jpg", quality=70),
        save(picture.resize((60, 60)), tmp_path / "smaller.png"),
        save(ImageEnhance.Brightness(picture).enhance(1.03), tmp_path / "brighter.png"),
    ]
    same = tmp_path / "copy.png"
    same.write_bytes(files[0].read_bytes())
    found = extract([*files, *near, same], IMAGES)
    groups, n_exact, n_near = duplicate_files(found)
    assert (n_exact, n_near) == (1, 3)
    assert groups.tolist() == [*range(len(files)), 0, 0, 0, 0]


def test_different_photos_of_one_kind_are_no_copies():
    folder = SHARED / "image/trashnet_lt/metal"
    if not folder.is_dir():
        pytest.skip("no shared data")
    found = extract(sorted(folder.glob("*.jpg")), IMAGES)
    assert duplicate_files(found)[1:] == (0, 0)


def test_texts_that_differ_in_case_and_spaces_are_copies(tmp_path):
    for name, text in {"a": "A goal!", "b": "a  GOAL!\n", "c": "no goal", "d": "A goal!"}.items():
        (tmp_path / f"{name}.txt").write_text(text)
    found = extract(sorted(tmp_path.glob("*.txt")), MediaFeatures(("text",)))
    groups, n_exact, n_near = duplicate_files(found)
    assert (groups.tolist(), n_exact, n_near) == ([0, 0, 1, 0], 1, 1)
    assert found.frame()["text"].to_list() == ["A goal!", "a  GOAL!\n", "no goal", "A goal!"]


@pytest.mark.parametrize(("content", "reason"), [(b"a\0b", "zero bytes"), (b" \n", "empty"), (b"", "empty")])
def test_texts_that_are_none_are_set_aside(tmp_path, content, reason):
    (tmp_path / "a.txt").write_bytes(content)
    ((_, found),) = extract([tmp_path / "a.txt"], MediaFeatures(("text",))).problems
    assert reason in found


def test_frames_are_spread_evenly_over_a_clip(tmp_path):
    shades = [Image.new("RGB", (64, 48), (4 * number, 4 * number, 4 * number)) for number in range(60)]
    frames, seconds = sample_frames(clip(tmp_path / "ramp.mp4", shades), 5)
    found = [np.asarray(frame)[..., 0].mean() / 4 for frame in frames]
    assert seconds == pytest.approx(6.0, abs=0.2)
    assert len(frames) == 5
    gaps = np.diff(found)
    assert found[0] < 3
    assert found[-1] > 50
    # Strides double, so gaps may differ by one stride.
    assert gaps.max() <= 2 * gaps.min() + 2


def test_real_clips_are_decoded():
    clips = sorted((SHARED / "video").rglob("*.mp4"))
    if not clips:
        pytest.skip("no shared data")
    found = extract(clips, MediaFeatures(("video",)))
    with_pictures = [path for path in clips if path not in dict(found.problems)]
    assert list(found.files) == with_pictures
    assert len(with_pictures) >= 1
    assert np.isfinite(found.values).all()
    for _, reason in found.problems:
        assert reason == "holds no video stream"


def test_videos_that_are_none_are_set_aside(tmp_path):
    import av

    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    (tmp_path / "fake.mp4").write_bytes(b"no video at all" * 50)
    (tmp_path / "empty.avi").write_bytes(b"")
    whole = clip(tmp_path / "whole.mp4", [disc(n) for n in range(20)])
    (tmp_path / "cut.mp4").write_bytes(whole.read_bytes()[:600])
    names = ["sound.mp4", "fake.mp4", "empty.avi", "cut.mp4", "whole.mp4"]
    found = extract([tmp_path / name for name in names], MediaFeatures(("video",)))
    assert [path.name for path in found.files] == ["whole.mp4"]
    reasons = {path.name: reason for path, reason in found.problems}
    assert reasons["sound.mp4"] == "holds no video stream"
    assert reasons["empty.avi"] == "empty"
    assert "damaged" in reasons["fake.mp4"]
    assert "damaged" in reasons["cut.mp4"]


def test_kinds_share_the_columns_they_have_in_common(tmp_path):
    still = save(disc(1), tmp_path / "a.png")
    film = clip(tmp_path / "a.mp4", [disc(1)] * 12)
    (tmp_path / "a.txt").write_text("a disc")
    media = MediaFeatures(("image", "video", "text"))
    frame = extract([still, film, tmp_path / "a.txt"], media).frame()
    assert frame.columns == [*media.columns, "text", "kind of file", "file"]
    numbers = frame.select(media.columns).to_numpy()
    visual = len(media.blocks["visual"])
    # A film of one picture looks like the picture, but for the losses of the codec, and nothing moves in it.
    close = np.abs(numbers[0, :visual] - numbers[1, :visual]) <= 0.15 * (1 + np.abs(numbers[0, :visual]))
    assert close.mean() > 0.9
    assert frame["motion largest"].to_list()[1] < 0.01
    assert not numbers[2].any()
    assert frame["text"].to_list() == [None, None, "a disc"]
    assert frame["kind of file"].to_list() == ["image", "video", "text"]


def test_the_description_is_kept_and_another_release_is_refused():
    media = MediaFeatures(("image", "video"))
    saved = media.to_dict()
    assert MediaFeatures.from_dict(saved) == media
    saved["extractors"]["image"] += "0"
    with pytest.raises(ArtifactError, match="train it again"):
        MediaFeatures.from_dict(saved)
    with pytest.raises(ArtifactError, match="damaged"):
        MediaFeatures.from_dict({})
    with pytest.raises(UsageError, match="kinds of files"):
        MediaFeatures(("sound",))


def test_a_file_that_kills_its_reader_costs_itself_alone(files, monkeypatch, tmp_path):
    import steelyard.features.media.reading as module

    monkeypatch.setattr(module, "_describe_batch", kill_on_poison)
    poison = save(disc(50), tmp_path / "poison.png")
    found = extract([*files, poison], IMAGES, n_jobs=2)
    assert found.problems == ((poison, "the process that read it was killed"),)
    assert len(found.files) == len(files)


def kill_on_poison(files, media):
    import os

    from steelyard.features.media.reading import _describe_file

    if any(path.name == "poison.png" for path in files):
        os._exit(1)
    return [_describe_file(path, media) for path in files]

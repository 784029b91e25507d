"""The door: drawn sets through the cache, splits, sources, what it says when something is not there."""

import multiprocessing
import subprocess
import sys

import pytest
import torch

from course_lib import cache, machine
from course_lib.data import datasets, drawn

SMALL = {
    "faces": {"people": 3, "photos": 4, "size": 24},
    "landmarks": {"buildings": 3, "photos": 4, "size": 24, "others": 5},
    "scenes": {"count": 7, "size": 48},
    "captions": {"count": 9},
}


def images(loaded) -> torch.Tensor:
    return loaded["images"] if isinstance(loaded, dict) else loaded.images


def small(name, split="train", **options):
    return datasets.load(name, split, **{**SMALL[name], **options})


@pytest.mark.parametrize("name", SMALL)
def test_a_drawn_set_is_the_same_from_the_cache_in_other_batches_and_with_more_pictures(
    name, monkeypatch, tmp_path
):
    first = images(small(name))
    assert first.dtype == torch.float32 and first.min() >= 0 and first.max() <= 1
    monkeypatch.setattr(drawn, "progress", lambda *args: pytest.fail("was drawn again"))
    assert torch.equal(images(small(name)), first)
    monkeypatch.undo()
    monkeypatch.setattr(cache, "CACHE", tmp_path / "another")
    monkeypatch.setattr(drawn, "BATCH", 2)
    assert (images(small(name)) - first).abs().max() <= 1 / 255
    assert (images(small(name, seed=1)) - first).abs().max() > 0.1


@pytest.mark.parametrize("name", SMALL)
def test_a_damaged_cache_file_is_drawn_again(name, tmp_path):
    first = images(small(name))
    for path in (tmp_path / "cache").iterdir():
        path.write_bytes(path.read_bytes()[:-100])
    assert torch.equal(images(small(name)), first)


def load_faces(folder, barrier, pipe):
    cache.CACHE = folder
    barrier.wait()
    pipe.send(small("faces").images.sum().item())


@pytest.mark.slow
def test_two_processes_draw_at_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    here, there = zip(context.Pipe(), context.Pipe(), strict=True)
    both = [context.Process(target=load_faces, args=(tmp_path, barrier, end)) for end in there]
    for process in both:
        process.start()
    sums = [end.recv() for end in here]
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    assert sums[0] == sums[1] == small("faces").images.sum().item()
    assert len(list(tmp_path.glob("faces-*"))) == 1 and not list(tmp_path.glob("*.part"))


def test_no_person_is_in_two_splits():
    splits = {
        split: small("faces", split, people=40, photos=1) for split in ("train", "val", "test")
    }
    traits = {
        split: torch.stack([v.float() for k, v in sorted(s.details.items()) if v.ndim == 1], 1)
        for split, s in splits.items()
    }
    for a, b in (("train", "val"), ("train", "test"), ("val", "test")):
        assert torch.cdist(traits[a], traits[b]).min() > 0.05, (a, b)
    assert splits["train"].labels.tolist() == list(range(40))


def test_landmarks_are_the_same_in_every_split_on_other_photos():
    train, test = small("landmarks"), small("landmarks", "test")
    assert train.names == ["landmark 0", "landmark 1", "landmark 2", "no landmark"]
    assert train.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4 + [3] * 5
    assert (train.images - test.images).abs().amax((1, 2, 3)).min() > 0.05
    assert train.details["gps"].shape == (17, 2)


def test_options_are_part_of_the_caches_key():
    assert (
        images(small("faces")).shape[-1] == 24 and images(small("faces", size=16)).shape[-1] == 16
    )
    hard = images(small("faces", difficulty=2.0))
    assert (hard - images(small("faces"))).abs().max() > 0.1


def test_captions_come_back_from_the_cache_with_their_sentences():
    once, again = small("captions"), small("captions")
    assert once["captions"] == again["captions"] and len(set(once["captions"])) > 5


def test_scenes_come_as_torchvision_gives_pictures_with_objects():
    from course_lib.render.scenes.draw import draw_scenes

    drawn_now = draw_scenes(torch.arange(7), size=48)
    loaded = small("scenes", second_frame=True)
    assert len(loaded) == 7 and set(loaded.details) == {"depth", "second_images", "flow"}
    for i, target in enumerate(loaded.targets):
        there = drawn_now["present"][i]
        for name in ("boxes", "labels", "masks", "keypoints", "second_boxes", "second_masks"):
            assert torch.equal(target[name], drawn_now[name][i][there]), (i, name)
        assert target["labels"].max() < len(loaded.names)
    assert torch.equal(loaded[2:4].targets[1]["boxes"], loaded.targets[3]["boxes"])
    with pytest.raises(TypeError, match=r"give a slice, such as \[:10\], got 3"):
        loaded[3]


def test_course_data_changes_the_default_and_only_the_default(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA", "real")
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    with pytest.raises(FileNotFoundError):
        small("scenes")
    assert images(small("scenes", source="embedded")).shape == (7, 3, 48, 48)
    assert len(datasets.load("digits", "test")) == 797  # has no counterpart: embedded all the same
    monkeypatch.setenv("COURSE_DATA", "imagined")
    with pytest.raises(ValueError, match="source must be 'embedded' or 'real', got 'imagined'"):
        datasets.load("digits", "test")


@pytest.mark.parametrize(
    "name, split, source, says",
    [
        ("cats", "train", None, "no data set 'cats'; there are captions, digits, faces"),
        ("digits", "val", None, r"digits has the splits \('train', 'test'\), got 'val'"),
        ("captions", "val", None, r"captions has the splits \('train', 'test', 'held-out'\)"),
        ("digits", "train", "real", "'digits' has no real counterpart"),
        ("voc", "train", "embedded", "'voc' is a real set"),
    ],
)
def test_what_there_is_not(name, split, source, says):
    with pytest.raises(ValueError, match=says):
        datasets.load(name, split, source=source)


def test_a_folder_is_never_ignored(tmp_path):
    with pytest.raises(
        ValueError, match=r"load: 'scenes' is embedded .* got '/my/photos'; .*'voc'"
    ):
        datasets.load("scenes", "train", folder="/my/photos", count=1)
    with pytest.raises(ValueError, match=r"load: 'digits' is embedded .* a real set"):
        datasets.load("digits", "train", folder=tmp_path)


@pytest.mark.parametrize("source", ["embedded", "real"])
def test_an_option_that_does_not_exist_is_never_ignored(source, tmp_path):
    with pytest.raises(
        TypeError, match=r"load: 'scenes' has no option \['cuont'\]; it has \['count'"
    ):
        datasets.load("scenes", "train", source=source, cuont=7)
    with pytest.raises(FileNotFoundError):  # `count` is of the drawn set, and left out
        datasets.load("scenes", "train", source="real", folder=tmp_path, count=7)


@pytest.mark.slow
def test_loading_a_set_imports_no_other(tmp_path):
    script = "import sys; from course_lib.data import datasets; datasets.load('digits', 'test'); "
    script += "print([name for name in sys.modules if name.startswith('course_lib.')])"
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=machine.ROOT
    )
    loaded = {name.removeprefix("course_lib.") for name in eval(run.stdout)}
    assert "data.from_packages" in loaded
    assert not {name for name in loaded if name.startswith("render") or name == "data.voc"}

"""A linear probe on a folder of class folders."""

import pytest
import torch
from PIL import Image

from course_lib.recipes import cases, own_classes
from course_lib.recipes.own_classes import probe_own


@pytest.fixture
def stripes(tmp_path):
    """Two classes that a network tells apart and small pixels do not: fine stripes, across or down."""
    generator = torch.Generator().manual_seed(0)
    for name in ("across", "down"):
        for split, count in (("train", 12), ("test", 8)):
            folder = tmp_path / split / name
            folder.mkdir(parents=True)
            for i in range(count):
                shift = int(torch.randint(12, (1,), generator=generator))
                wave = ((torch.arange(224) + shift) // 6 % 2 * 255).expand(224, 224)
                pixels = (wave if name == "down" else wave.T).to(torch.uint8)
                Image.fromarray(pixels.numpy()).convert("RGB").save(folder / f"{i}.png")
    return tmp_path


@pytest.mark.slow
def test_more_labels_and_better_features(stripes, capsys):
    head, *rows = probe_own(stripes)
    assert head == ("labels a class", "ImageNet", "small network, untrained", "8 x 8 pixels")
    assert [row[0] for row in rows] == ["1", "2", "5", "10", "all"]  # 20 are not there
    assert float(rows[-1][1]) > 0.95
    assert "40 images, 2 classes, split as the files say" in capsys.readouterr().out


@pytest.mark.slow
def test_enough_images_train_simclr(stripes, monkeypatch):
    monkeypatch.setattr(own_classes, "BATCH", 24)
    monkeypatch.setattr(cases, "BATCH", 24)
    monkeypatch.setattr(cases, "STEPS", 3)
    head, *rows = probe_own(stripes)
    assert head[2] == "SimCLR on these images"
    assert all(0 <= float(cell) <= 1 for row in rows for cell in row[1:])


def test_what_cannot_be_probed_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="class-folders"):
        probe_own(tmp_path / "nowhere")
    folder = tmp_path / "train" / "one"
    folder.mkdir(parents=True)
    Image.new("RGB", (30, 20)).save(folder / "a.png")
    with pytest.raises(ValueError, match="two classes or more, got"):
        probe_own(tmp_path)

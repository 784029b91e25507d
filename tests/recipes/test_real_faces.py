"""Faces of one's own: what is compared, what is left out and named, by dlib's network and without it."""

from importlib.util import find_spec

import pytest
import torch
from PIL import Image

from course_lib.data.crowds import photos_of
from course_lib.data.from_packages import shipped_photographs
from course_lib.recipes import real_faces
from course_lib.recipes.faces import face_encoder

needs_dlib = pytest.mark.skipif(not find_spec("dlib"), reason="make test EXTRAS=real")


def as_image(tensor) -> Image.Image:
    return Image.fromarray((255 * tensor).round().byte().permute(1, 2, 0).numpy())


@pytest.fixture
def album(tmp_path):
    """Two photos of one drawn person, one of them turned by EXIF, one grey of another; three that cannot be used."""
    drawn = photos_of(torch.arange(2), "test", 0, 2, size=64).images
    as_image(drawn[0]).save(tmp_path / "a.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its left side
    as_image(drawn[1].rot90(1, (1, 2))).save(tmp_path / "b.jpg", exif=exif, quality=95)
    (tmp_path / "below").mkdir()
    as_image(drawn[2]).convert("L").save(tmp_path / "below" / "c.png")
    (tmp_path / "broken.jpg").write_text("no image")
    as_image(drawn[0, :, :9, :9]).save(tmp_path / "tiny.png")
    (tmp_path / "notes.txt").write_text("not an image by its name")
    return tmp_path


@pytest.fixture
def without_dlib(monkeypatch):
    monkeypatch.setattr(real_faces, "real_network_there", lambda: False)


def test_own_faces_are_compared_and_the_others_named(album, without_dlib, capsys):
    ours = face_encoder(0).eval()
    with pytest.warns(UserWarning, match=r"1 image cannot be read and is left out: broken\.jpg"):
        found = real_faces.compare_own(album, ours, 0.4)
    assert found.names == ["a.png", "b.jpg", "c.png"]
    assert found.threshold == 0.4 and not found.real
    assert found.faces.shape == (3, 3, 96, 96)
    torch.testing.assert_close(found.scores.diagonal(), torch.ones(3))
    torch.testing.assert_close(found.scores, found.scores.T)
    said = capsys.readouterr().out
    assert "Smaller than 32 pixels: tiny.png" in said and "3 faces, compared by our network" in said
    # upright, though it is stored lying
    upright = photos_of(torch.arange(1), "test", 0, 2, size=64).images[1:]
    assert (found.faces[1] - real_faces.middle(upright, 96)[0]).abs().mean() < 0.05


def test_one_face_alone_or_no_image_is_told(tmp_path, without_dlib):
    ours = face_encoder(0).eval()
    with pytest.raises(FileNotFoundError, match="compare_own: no image in"):
        real_faces.compare_own(tmp_path, ours, 0.4)
    with pytest.raises(FileNotFoundError, match="compare_own"):
        real_faces.compare_own(tmp_path / "gone", ours, 0.4)
    as_image(torch.rand(3, 40, 40)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="two faces are needed to compare, 1 found in"):
        real_faces.compare_own(tmp_path, ours, 0.4)


def test_of_very_many_the_first_count(tmp_path, without_dlib, monkeypatch, capsys):
    monkeypatch.setattr(real_faces, "MOST", 2)
    for name in "abc":
        as_image(torch.rand(3, 40, 50)).save(tmp_path / f"{name}.png")
    found = real_faces.compare_own(tmp_path, face_encoder(0).eval(), 0.4)
    assert found.names == ["a.png", "b.png"]
    assert "3 images; the first 2 are compared." in capsys.readouterr().out


def test_the_middle_square_in_colour():
    image = torch.arange(12.0).view(1, 1, 2, 6) / 12
    square = real_faces.middle(image, 2)
    assert square.shape == (1, 3, 2, 2)
    torch.testing.assert_close(square[0, 0], image[0, 0, :, 2:4])


def test_who_was_not_found_is_nobody():
    a = torch.tensor([[0.0, 0.0], [0.0, 0.0], [torch.nan, torch.nan]])
    b = torch.tensor([[3.0, 4.0], [0.0, 0.0], [0.0, 0.0]])
    assert real_faces.likeness(a, b).tolist() == [-5, 0, -torch.inf]


@needs_dlib
def test_dlib_compares_faces_and_names_images_without_one(tmp_path, capsys):
    shipped = shipped_photographs()
    for name in ("astronaut", "officer", "coffee"):
        as_image(shipped[name]).save(tmp_path / f"{name}.png")
    large = as_image(shipped["astronaut"]).resize((1600, 1600))
    large.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "mirrored.png")
    found = real_faces.compare_own(tmp_path, face_encoder(0).eval(), 0.4)
    assert found.real and found.threshold == -0.6
    assert found.names == ["astronaut.png", "mirrored.png", "officer.png"]
    accepted = found.scores >= found.threshold
    assert accepted[0, 1] and not accepted[0, 2] and not accepted[1, 2]
    assert "No face is found in: coffee.png" in capsys.readouterr().out

"""A folder of photographs as vectors: broken files are named, interrupted work goes on, likenesses are found."""

import pytest
import skimage.data
import torch
from PIL import Image

from course_lib import cache
from course_lib.recipes import own_photos as module
from course_lib.recipes.own_photos import own_photos


@pytest.fixture
def album(tmp_path, monkeypatch):
    """Six photographs in two folders, one of them broken; the cache lies elsewhere."""
    monkeypatch.setattr(cache, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(module, "PIECES", 3)
    folder = tmp_path / "My photos ü"
    (folder / "more").mkdir(parents=True)
    cat = Image.fromarray(skimage.data.chelsea())
    cat.save(folder / "1.jpg")
    Image.fromarray(skimage.data.coffee()).save(folder / "2.png")
    (folder / "3 broken.jpg").write_bytes(b"no image")
    cat.crop((60, 20, 400, 290)).save(folder / "more" / "4.webp")
    Image.fromarray(skimage.data.camera()).save(folder / "more" / "5.png")
    (folder / ".hidden.jpg").write_bytes(b"")
    return folder


def test_the_two_cats_are_nearest_and_the_broken_file_is_named(album, capsys):
    with pytest.warns(UserWarning, match="1 image cannot be read and is left out: 3 broken.jpg"):
        paths, vectors = own_photos(album)
    assert [path.name for path in paths] == ["1.jpg", "2.png", "4.webp", "5.png"]
    assert capsys.readouterr().out.startswith("4 photographs in ")
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(4))
    likeness = vectors @ vectors.T
    assert likeness[0].topk(2).indices.tolist() == [0, 2]


def test_interrupted_work_goes_on(album, monkeypatch):
    (album / "3 broken.jpg").unlink()
    looked, real = [], module._vectors

    def interrupted(network, piece):
        looked.append([path.name for path in piece])
        if len(looked) == 2:
            raise KeyboardInterrupt
        return real(network, piece)

    monkeypatch.setattr(module, "_vectors", interrupted)
    with pytest.raises(KeyboardInterrupt):
        own_photos(album)
    paths, vectors = own_photos(album)
    assert looked[2] == looked[1], "the first piece is kept, the second one begun again"
    done = [name for piece in (looked[0], *looked[2:]) for name in piece]
    assert sorted(done) == sorted(path.name for path in paths)
    before = len(looked)
    assert torch.equal(own_photos(album)[1], vectors) and len(looked) == before
    # A changed file is looked at again, with its piece alone.
    Image.fromarray(skimage.data.rocket()).save(album / "1.jpg")
    changed = own_photos(album)[1]
    assert not torch.equal(changed[0], vectors[0]) and torch.equal(changed[1:], vectors[1:])
    assert len(looked) == before + 1 and "1.jpg" in looked[-1]


def test_a_link_that_leads_nowhere_is_named(album):
    (album / "nowhere.jpg").symlink_to(album / "gone.jpg")
    with pytest.warns(UserWarning, match="2 images cannot be read .* 3 broken.jpg, nowhere.jpg"):
        assert len(own_photos(album)[0]) == 4


@pytest.mark.parametrize("there", [False, True])
def test_no_folder_and_no_image_are_told(tmp_path, there):
    folder = tmp_path / "album"
    if there:
        folder.mkdir()
    with pytest.raises(FileNotFoundError, match="own_photos"):
        own_photos(folder)

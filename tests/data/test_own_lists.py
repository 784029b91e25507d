"""What people have beside folders: lists of classes, people, pairs of faces, photographs without labels."""

import shutil
import warnings
from pathlib import Path

import pytest
import torch
from PIL import Image

from course_lib.data import datasets

SHADES = {"a.png": 10, "b.jpg": 80, "more/c é.png": 150, "d.webp": 220}
LABELS = {"a.png": "cat", "b.jpg": "dog", "more/c é.png": "cat", "d.webp": "ibis"}


def shade(path: Path, grey: int, size=(12, 12)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (grey,) * 3).save(path)
    return path


@pytest.fixture
def album(tmp_path):
    folder = tmp_path / "My pictures ü"
    for name, grey in SHADES.items():
        shade(folder / name, grey)
    return folder


def check(images, labels, names):
    assert names == ["cat", "dog", "ibis"] and [names[i] for i in labels] == list(LABELS.values())
    greys = (255 * images.mean((1, 2, 3))).round()
    assert (greys - torch.tensor([*map(float, SHADES.values())])).abs().max() <= 2


# ---------------------------------------------------------------- lists of classes


@pytest.mark.parametrize("head", ["", "file,label", "ID,Species name", "image_id,Class"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_list_of_files_and_labels(album, head, mark, encoding, capsys):
    rows = [head] * bool(head) + [f"{name},{label}" for name, label in LABELS.items()]
    text = "\r\n".join(rows).replace(",", mark) + "\r\n\r\n"
    (album / "classes.csv").write_bytes(text.encode(encoding))
    check(*folders_of(album))
    check(*folders_of(album / "classes.csv"))
    assert "4 images, 3 classes, split by hash" in capsys.readouterr().out


def folders_of(folder, split="all"):
    data = datasets.load("class-folders", split, folder=folder, size=8)
    return data.images, data.labels, data.names


def test_columns_are_found_by_name_and_files_without_their_endings(album):
    rows = ["label,n,image", *(f"{label},1,{Path(name).stem}" for name, label in LABELS.items())]
    (album / "train.csv").write_text("\n".join(rows), encoding="utf-8")
    check(*folders_of(album))


def test_a_list_can_name_splits(album):
    splits = dict(zip(LABELS, ("train", "train", "val", "test"), strict=True))
    rows = [f"{name},{label},{splits[name]}" for name, label in LABELS.items()]
    (album / "x.csv").write_text("\n".join(["file,label,split", *rows]), encoding="utf-8")
    sizes = [len(folders_of(album, split)[0]) for split in ("all", "train", "val", "test")]
    assert sizes == [4, 2, 1, 1] and folders_of(album, "test")[2] == ["cat", "dog", "ibis"]
    (album / "x.csv").write_text("\n".join(["file,label,split", *rows, "a.png,cat,dev"]), "utf-8")
    with pytest.raises(ValueError, match=r"x.csv: split must be one of .* got 'dev'"):
        folders_of(album)


def test_files_of_a_list_that_are_missing_are_named_and_the_rest_goes_on(album):
    (album / "x.csv").write_text("file,label\na.png,cat\nnone.jpg,cat\nb.jpg,dog\n")
    with pytest.warns(UserWarning, match="1 image cannot be read and is left out: none.jpg"):
        _, labels, _ = folders_of(album)
    assert labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    "text, says",
    [
        ("", "x.csv is empty"),
        ("file,label\n", "x.csv has a head, and no rows"),
        ("file,label\na.png,cat\nb.jpg\n", "x.csv, line 3: no label in"),
        ("a.png\nb.jpg\n", "x.csv, line 1: no label in"),
        ("file,label\na.png,\n", "x.csv, line 2: no label in"),
    ],
)
def test_lists_of_another_form_are_refused(tmp_path, text, says):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(ValueError, match=rf"class-folders: .*{says}"):
        folders_of(tmp_path)


def test_where_there_are_class_folders_another_list_is_passed_over(album):
    shade(album / "cat" / "1.png", 10), shade(album / "dog" / "1.png", 10)
    shutil.rmtree(album / "more")
    (album / "notes.csv").write_text("date,weather\n2026-05-01,rain\n")
    assert folders_of(album)[2] == ["cat", "dog"]


# ---------------------------------------------------------------- people


@pytest.fixture
def friends(tmp_path):
    for person in range(12):
        for photo in range(1, 4):
            shade(tmp_path / f"Person {person}" / f"{photo}.png", 20 * person + photo)
    return tmp_path


def test_nobody_is_in_two_splits(friends, capsys):
    everybody = datasets.load("people", "all", folder=friends, size=8)
    assert len(everybody) == 36 and len(everybody.names) == 12
    assert "36 images of 12 people, people split by hash" in capsys.readouterr().out
    parts = {
        split: datasets.load("people", split, folder=friends, size=8)
        for split in ("train", "val", "test")
    }
    assert sorted(n for part in parts.values() for n in part.names) == sorted(everybody.names)
    shade(friends / "Somebody new" / "1.png", 0)
    for split, part in parts.items():
        assert {*part.names} <= {*datasets.load("people", split, folder=friends, size=8).names}
        assert part.labels.bincount().tolist() == [3] * len(part.names)


def test_people_who_are_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="people: no folder with images for each person"):
        datasets.load("people", "all", folder=tmp_path)
    with pytest.raises(FileNotFoundError, match="people: no nowhere in"):
        datasets.load("people", "all", folder=tmp_path / "nowhere")
    shade(tmp_path / "Ada" / "1.png", 3)
    with pytest.raises(ValueError, match=r"people: nobody in the split 'val' .* there are \{"):
        datasets.load("people", "val", folder=tmp_path)


@pytest.mark.parametrize("form", ["txt", "tabs", "csv"])
def test_pairs_of_people(friends, form):
    pairs = [("Person 1", 1, "Person 1", 3), ("Person 2", 2, "Person 5", 1)]
    if form == "csv":
        rows = [f"{a}/{i}.png,{b}/{j}.png,{int(a == b)}" for a, i, b, j in pairs]
        (friends / "list.csv").write_text("\n".join(["first,second,same", *rows]))
    elif form == "tabs":
        rows = ["Person 1\t1\t3", "Person 2\t2\tPerson 5\t1"]
        (friends / "pairs.txt").write_text("\n".join(["1", *rows]))
    else:
        for person in (1, 2, 5):
            (friends / f"Person {person}").rename(friends / f"Person_{person}")
        (friends / "pairs.txt").write_text("Person_1 1 3\nPerson_2 2 Person_5 1\n")
    a, b, same = datasets.load("people-pairs", "all", folder=friends, size=8)
    assert same.tolist() == [True, False]
    assert [(255 * x.mean((1, 2, 3))).round().tolist() for x in (a, b)] == [[21, 42], [23, 101]]


@pytest.mark.parametrize(
    "text, says",
    [
        ("Ada 1\n", "line 1: should be 'person i j' or 'person i other j'"),
        ("3\nAda 1 x\n", "line 2: should be"),
        ("Ada 1 2\n", "line 1: there is no image 2 of 'Ada', who has 1"),
        ("Bob 1 1\n", "line 1: there is no image 1 of 'Bob', who has 0"),
    ],
)
def test_pairs_of_another_form_are_refused(tmp_path, text, says):
    shade(tmp_path / "Ada" / "1.png", 1)
    (tmp_path / "pairs.txt").write_text(text)
    with pytest.raises(ValueError, match=rf"people-pairs: .*pairs.txt, {says}"):
        datasets.load("people-pairs", "all", folder=tmp_path)


def test_pairs_need_a_list(friends):
    with pytest.raises(FileNotFoundError, match=r"should hold pairs.txt or one .csv file, got 0"):
        datasets.load("people-pairs", "all", folder=friends)
    (friends / "x.csv").write_text("Person 1/1.png,Person 1/2.png,perhaps\n")
    with pytest.raises(ValueError, match="same must be 1 or 0, got 'perhaps'"):
        datasets.load("people-pairs", "all", folder=friends)


# ---------------------------------------------------------------- photographs without labels


def test_photographs_without_labels(album, capsys, monkeypatch):
    (album / "e.jpg").write_bytes(b"no image")
    with pytest.warns(UserWarning, match="photos: 1 image cannot be read and is left out: e.jpg"):
        photographs = datasets.load("photos", "all", folder=album)
    assert capsys.readouterr().out == "4 photographs\n"
    assert [path.name for path in photographs.paths] == ["a.png", "b.jpg", "d.webp", "c é.png"]
    assert photographs[0].shape == (3, 12, 12)
    (album / "e.jpg").unlink()
    monkeypatch.chdir(album.parent)
    monkeypatch.setenv("HOME", str(album.parent))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for folder in ("My pictures ü", "~/My pictures ü", Path("My pictures ü")):
            assert len(datasets.load("photos", "all", folder=folder)) == 4


@pytest.mark.parametrize("broken", [False, True])
def test_no_photographs(tmp_path, broken):
    (tmp_path / "x.jpg").write_bytes(b"") if broken else None
    says = r"can be read: \['x.jpg'\]" if broken else "is there"
    with pytest.raises(FileNotFoundError, match=rf"photos: no image in .* {says}"):
        datasets.load("photos", "all", folder=tmp_path)
    with pytest.raises(ValueError, match=r"photos: split must be one of \['all'\], got 'train'"):
        datasets.load("photos", "train", folder=tmp_path)


# ---------------------------------------------------------------- as people have them


@pytest.mark.parametrize("called", [("train", "val"), ("Train", "Test"), ("training", "valid")])
def test_folders_of_splits_are_no_classes(tmp_path, called):
    for split in called:
        for name, grey in (("ants", 10), ("bees", 90)):
            shade(tmp_path / split / name / "1.jpg", grey)
    _, labels, names = folders_of(tmp_path)
    assert names == ["ants", "bees"] and labels.tolist() == [0, 0, 1, 1]
    held_out = "test" if "Test" in called else "val"
    assert len(folders_of(tmp_path, held_out)[0]) == len(folders_of(tmp_path, "train")[0]) == 2


def test_valid_is_val_in_folders_and_in_lists(tmp_path, album):
    for split in ("train", "valid", "test"):
        shade(tmp_path / "x" / split / "ants" / "1.jpg", 10)
    assert len(folders_of(tmp_path / "x")[0]) == 3
    rows = ["file,label,split", *(f"{name},{label},Valid" for name, label in LABELS.items())]
    (album / "l.csv").write_text("\n".join(rows), encoding="utf-8")
    assert len(folders_of(album, "val")[0]) == 4


def test_an_error_in_a_list_beside_a_folder_of_images_is_told(tmp_path):
    shade(tmp_path / "images" / "1.jpg", 3)
    (tmp_path / "L.CSV").write_text("file,label\n1.jpg,dog\n2.jpg,\n")
    with pytest.raises(ValueError, match="line 3: no label"):
        folders_of(tmp_path)
    (tmp_path / "test.csv").write_text("file,label\n1.jpg,dog\n")
    with pytest.raises(
        ValueError, match=r"several lists, give one of them: \['L.CSV', 'test.csv'\]"
    ):
        folders_of(tmp_path)
    assert folders_of(tmp_path / "test.csv")[2] == ["dog"]


@pytest.mark.parametrize(
    "head", ["image_path,label,split", "n,image_path,label", "filename,label,id", "\nfile;label"]
)
def test_heads_as_people_write_them(album, head):
    cells = {"image_path": "{}", "filename": "{}", "file": "{}", "label": "{l}", "split": "train"}
    mark = ";" if ";" in head else ","
    words = head.strip().split(mark)
    rows = [
        mark.join(cells.get(word, "7").format(name, l=label) for word in words)
        for name, label in LABELS.items()
    ]
    (album / "l.csv").write_text("\n".join([head, *rows]), encoding="utf-8")
    check(*folders_of(album))
    if "split" in head:
        assert len(folders_of(album, "train")[0]) == 4


def test_a_list_without_a_head_and_without_endings_keeps_its_first_row(album):
    rows = [f"{Path(name).stem},{label}" for name, label in LABELS.items()]
    (album / "l.csv").write_text("\n".join(rows), encoding="utf-8")
    check(*folders_of(album))


def test_names_that_are_there_twice_are_told_apart_by_their_folders(tmp_path):
    shade(tmp_path / "dogs" / "1.jpg", 10), shade(tmp_path / "cats" / "1.jpg", 90)
    (tmp_path / "l.csv").write_text("file,label\ndogs/1,dog\ncats\\1,cat\n")
    images, labels, names = folders_of(tmp_path / "l.csv")
    assert [names[i] for i in labels] == ["dog", "cat"]
    assert (255 * images.mean((1, 2, 3))).round().tolist() == [10, 90]


def test_numbers_of_pairs_are_those_of_the_files(tmp_path):
    for number in range(1, 12):
        shade(tmp_path / "lfw" / "Ada" / f"Ada_{number:04d}.png", number)
        shade(tmp_path / "lfw" / "Bob" / f"{number}.png", 100 + number)
    (tmp_path / "lfw" / "Ada" / "Ada_0001.png").unlink()
    (tmp_path / "pairs.txt").write_text("Ada 2 11\nAda 3 Bob 2\n")
    a, b, same = datasets.load("people-pairs", "all", folder=tmp_path, size=8)
    assert same.tolist() == [True, False]
    assert [(255 * x.mean((1, 2, 3))).round().tolist() for x in (a, b)] == [[2, 3], [11, 102]]

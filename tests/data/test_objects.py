"""One's own photographs with boxes: the same in every form, and clear about what is wrong with them."""

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from course_lib.data import datasets, files
from course_lib.data.objects import objects

SIZES = {f"{name}.jpg": (64 + 8 * i, 48 + 4 * i) for i, name in enumerate("abcdefghij")}
BOXES = {
    name: [("cat", (3.0, 5.0, 30.0, 40.0), False), ("dog", (10.5, 2.25, 50.0, 47.0), i % 3 == 0)][: 1 + i % 2]
    for i, name in enumerate(SIZES)
}  # fmt: skip


def images(folder: Path) -> None:
    folder.mkdir(parents=True)
    for i, (name, size) in enumerate(SIZES.items()):
        Image.new("RGB", size, (20 * i, 100, 50)).save(folder / name)


def as_voc(folder: Path, photographs="images", annotations="annotations") -> Path:
    images(folder / photographs)
    (folder / annotations).mkdir(exist_ok=True)
    for name, (width, height) in SIZES.items():
        parts = [f"<size><width>{width}</width><height>{height}</height></size>"]
        for label, (x1, y1, x2, y2), difficult in BOXES[name]:
            box = f"<xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax>"
            parts.append(
                f"<object><name>{label}</name><difficult>{int(difficult)}</difficult><bndbox>{box}</bndbox></object>"
            )
        text = f"<annotation>{''.join(parts)}</annotation>"
        (folder / annotations / name.replace(".jpg", ".xml")).write_text(text)
    return folder


def as_coco(folder: Path, file="annotations.json") -> Path:
    images(folder / "images")
    content = {
        "images": [],
        "annotations": [],
        "categories": [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}],
    }
    for i, (name, (width, height)) in enumerate(SIZES.items()):
        content["images"].append(
            {"id": 100 + i, "file_name": name, "width": width, "height": height}
        )
        for label, (x1, y1, x2, y2), crowd in BOXES[name]:
            one = {"image_id": 100 + i, "category_id": {"dog": 7, "cat": 3}[label]}
            one |= {"bbox": [x1, y1, x2 - x1, y2 - y1], "iscrowd": int(crowd)}
            content["annotations"].append({"id": len(content["annotations"]), **one})
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text(json.dumps(content))
    return folder


def as_yolo(folder: Path, names="names: [cat, dog]\n", file="data.yaml") -> Path:
    images(folder / "images")
    (folder / "labels").mkdir()
    (folder / file).write_text(names)
    for name, (width, height) in SIZES.items():
        lines = []
        for label, (x1, y1, x2, y2), _ in BOXES[name]:
            sides = (
                (x1 + x2) / 2 / width,
                (y1 + y2) / 2 / height,
                (x2 - x1) / width,
                (y2 - y1) / height,
            )
            lines.append(" ".join(map(repr, (["cat", "dog"].index(label), *sides))))
        (folder / "labels" / name.replace(".jpg", ".txt")).write_text("\n".join(lines))
    return folder


FORMS = {
    "voc": as_voc,
    "voc, all in one folder": lambda folder: as_voc(folder, ".", "."),
    "coco": as_coco,
    "coco, a folder down": lambda folder: as_coco(folder, "annotations/instances.json"),
    "yolo": as_yolo,
    "yolo, numbers": lambda folder: as_yolo(folder, "nc: 2\nnames:\n  1: dog\n  0: cat\n"),
    "yolo, a list": lambda folder: as_yolo(
        folder, "names:\n- cat  # small\n- 'dog'\nnc: 2\n", "x.yml"
    ),
    "yolo, classes.txt": lambda folder: as_yolo(folder, "cat\ndog\n", "classes.txt"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same(form, tmp_path, capsys):
    folder = FORMS[form](tmp_path / "my pictures é")
    photographs, targets, names = objects("all", folder)
    said = capsys.readouterr().out
    assert "10 images, 2 classes, split by hash: " in said and said.startswith(
        form[:4].upper().strip(",")
    )
    assert names == ["cat", "dog"] and [path.name for path in photographs.paths] == list(SIZES)
    for photo, target, (name, (width, height)) in zip(
        photographs, targets, SIZES.items(), strict=True
    ):
        assert photo.shape == (3, height, width) and 0 <= photo.min() <= photo.max() <= 1
        expected = torch.tensor([box for _, box, _ in BOXES[name]])
        torch.testing.assert_close(target["boxes"], expected, atol=1e-5, rtol=1e-6)
        assert [names[label] for label in target["labels"]] == [
            label for label, _, _ in BOXES[name]
        ]
        ignored = [flag and "yolo" not in form for _, _, flag in BOXES[name]]
        assert target["difficult"].tolist() == ignored


def test_a_hash_splits_them_the_same_everywhere(tmp_path):
    parts = {}
    for form in ("voc", "coco", "yolo"):
        folder = FORMS[form](tmp_path / form)
        parts[form] = [[p.name for p in objects(s, folder)[0].paths] for s in ("train", "test")]
    train, test = parts["voc"]
    assert parts["voc"] == parts["coco"] == parts["yolo"]
    assert sorted(train + test) == list(SIZES) and train and test
    with pytest.raises(
        FileNotFoundError, match=r"no image of the split 'val' .* there are {'train': 9"
    ):
        objects("val", tmp_path / "voc")


def test_splits_that_the_files_name(tmp_path, capsys):
    folder = as_voc(tmp_path / "voc", "JPEGImages", "Annotations")
    lists = folder / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\nb 1\n")
    (lists / "test.txt").write_text("c\n")
    assert [p.name for p in objects("train", folder)[0].paths] == ["a.jpg", "b.jpg"]
    assert "split as the files say: 2 train, 1 test" in capsys.readouterr().out

    folder = as_coco(tmp_path / "coco", "annotations/instances_val2017.json")
    assert len(objects("val", folder)[0]) == 10

    folder = as_yolo(tmp_path / "yolo")
    for kind in ("images", "labels"):
        for part, stems in (("train", "abcdefg"), ("valid", "hij")):
            (folder / kind / part).mkdir()
            for stem in stems:
                (old,) = (folder / kind).glob(f"{stem}.*")
                old.rename(folder / kind / part / old.name)
    _, targets, _ = objects("val", folder)
    assert len(targets) == 3 and all(len(target["boxes"]) for target in targets)


@pytest.mark.parametrize("form", ["voc", "coco", "yolo"])
def test_what_cannot_be_read_is_named_and_the_rest_goes_on(form, tmp_path):
    folder = FORMS[form](tmp_path / form)
    (folder / "images" / "a.jpg").write_bytes(b"no image")
    whole = (folder / "images" / "b.jpg").read_bytes()
    (folder / "images" / "b.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.warns(UserWarning, match=r"2 images cannot be read and are left out: a.jpg, b.jpg"):
        photographs, targets, _ = objects("all", folder)
    assert len(photographs) == len(targets) == 8


def test_a_list_called_trainval_is_what_to_learn_from(tmp_path, capsys):
    folder = as_voc(tmp_path / "own", "JPEGImages", "Annotations")
    lists = folder / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "trainval.txt").write_text("a\nb\nc\nd\n")
    (lists / "test.txt").write_text("e\nf\n")
    assert [len(objects(split, folder)[0]) for split in ("train", "test")] == [4, 2]
    (lists / "val.txt").write_text("d\n")
    assert [len(objects(split, folder)[0]) for split in ("train", "val", "test")] == [3, 1, 2]
    assert "split as the files say: 3 train, 1 val, 2 test" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["voc", "coco"])
def test_folders_called_train_and_valid_are_the_split_and_names_may_be_there_twice(tmp_path, form):
    for split, shade in (("train", 10), ("valid", 200)):
        images(tmp_path / split)
        for name, size in SIZES.items():
            Image.new("RGB", size, (shade,) * 3).save(tmp_path / split / name)
        made = as_voc(tmp_path / "x") if form == "voc" else as_coco(tmp_path / "x")
        if form == "voc":
            for path in (made / "annotations").iterdir():
                path.rename(tmp_path / split / path.name)
        else:
            (made / "annotations.json").rename(tmp_path / split / "_annotations.coco.json")
        shutil.rmtree(made)
    for split, shade in (("train", 10), ("val", 200)):
        photographs, targets, _ = objects(split, tmp_path)
        assert len(photographs) == 10
        for image, target, name in zip(photographs, targets, SIZES, strict=True):
            assert (255 * image.mean() - shade).abs() < 2 and image.shape[1:] == SIZES[name][::-1]
            assert target["boxes"].tolist() == [list(box) for _, box, _ in BOXES[name]]


def test_a_mask_beside_the_boxes_is_not_the_photograph(tmp_path):
    Image.new("RGB", (40, 30), "white").save(images_of(tmp_path / "images") / "Ab_1.jpg")
    Image.new("L", (40, 30)).save(images_of(tmp_path / "annotations" / "trimaps") / "Ab_1.png")
    box = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
    for named in ("<filename>Ab_1.jpg</filename>", "<filename>other</filename>", ""):
        text = f"<annotation>{named}<object><name>cat</name>{box}</object></annotation>"
        (images_of(tmp_path / "annotations" / "xmls") / "Ab_1.xml").write_text(text)
        assert objects("all", tmp_path)[0][0].min() > 0.9


def images_of(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.parametrize("form", ["coco", "voc"])
def test_each_split_has_its_own_image_of_a_name(tmp_path, form):
    top = tmp_path / "val" / "own"
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
    for split, shade in (("train", 10), ("val", 200)):
        place = top / f"{split}2017" if form == "coco" else top / split / "img"
        Image.new("RGB", (30, 20), (shade,) * 3).save(images_of(place) / "1.jpg")
        if form == "coco":
            one = {"image_id": 1, "category_id": 1, "id": 1, "segmentation": [[1, 1, 9, 1, 9, 9]]}
            content = {
                "images": [{"id": 1, "file_name": "images\\1.jpg"}],
                "annotations": [one],
                "categories": [{"id": 1, "name": "cat"}],
            }
            for kind in ("instances", "person_keypoints", "captions"):
                path = images_of(top / "annotations") / f"{kind}_{split}2017.json"
                path.write_text(json.dumps(content))
        else:
            text = f"<annotation><object><name>cat</name>{box}</object></annotation>"
            (images_of(top / split / "ann") / "1.xml").write_text(text)
    for split, shade in (("train", 10), ("val", 200)):
        photographs, targets, _ = objects(split, top)
        assert len(photographs) == 1 and (255 * photographs[0].mean() - shade).abs() < 2
        assert targets[0]["boxes"].tolist() == [[1, 1, 9, 9]]


def test_names_of_a_yaml_that_begin_at_one_or_leave_one_out(tmp_path):
    folder = as_yolo(tmp_path, names="names: {0: cat, 1: dog, 3: ibis}\n")
    (folder / "labels" / "a.txt").write_text("3 .5 .5 .2 .2\n")
    _, targets, names = objects("all", folder)
    assert names[targets[0]["labels"][0]] == "ibis" and "dog" in names


def test_what_editors_and_labelling_programs_leave_is_no_annotation(tmp_path):
    folder = as_yolo(tmp_path / "own")
    (folder / ".idea").mkdir()
    (folder / ".idea" / "workspace.xml").write_text("<project/>")
    (folder / "notes.json").write_text('{"categories": [{"id": 0, "name": "cat"}], "info": {}}')
    assert len(objects("all", folder)[0]) == 10


@pytest.mark.parametrize("form, orientation", [("jpg", 1), ("jpg", 6), ("png", 1)])
def test_large_photographs_come_divided_and_their_boxes_with_them(tmp_path, form, orientation):
    upright = Image.new("RGB", (900, 700), "black")
    upright.paste("white", (200, 100, 600, 500))
    stored = upright.transpose(Image.Transpose.ROTATE_90) if orientation == 6 else upright
    (tmp_path / "own").mkdir()
    tags = Image.Exif()
    tags[0x0112] = orientation
    stored.save(tmp_path / "own" / f"a.{form}", exif=tags)
    (tmp_path / "own" / "a.xml").write_text(
        f"<annotation><filename>a.{form}</filename><size><width>900</width><height>700</height></size><object>"
        "<name>paper</name><bndbox><xmin>200</xmin><ymin>100</ymin><xmax>600</xmax><ymax>500</ymax></bndbox></object>"
        "</annotation>"
    )
    (whole,), (target,), _ = objects("all", tmp_path / "own")
    (small,), (divided,), _ = objects("all", tmp_path / "own", at_least=160)
    assert whole.shape == (3, 700, 900) and small.shape == (3, 175, 225)
    assert torch.equal(divided["boxes"] * 4, target["boxes"])
    x1, y1, x2, y2 = divided["boxes"][0].int().tolist()
    assert small[:, y1 + 2 : y2 - 2, x1 + 2 : x2 - 2].min() > 0.9
    small[:, y1 - 2 : y2 + 2, x1 - 2 : x2 + 2] = 0
    assert small.max() < 0.1


def test_images_are_decoded_when_they_are_looked_at(tmp_path, monkeypatch):
    photographs, _, _ = objects("all", as_coco(tmp_path / "coco"), limit=6)
    opened = []

    def spy(where, path, mode, at_least):
        opened.append(path.name)
        return Image.new(mode, (4, 4))

    monkeypatch.setattr("course_lib.data.photos.open_image", spy)
    assert len(photographs[2:]) == 4 and opened == []
    assert photographs[-1].shape == (3, 4, 4) and opened == ["f.jpg"]
    with pytest.raises(IndexError):
        photographs[6]


def test_a_turned_image_and_its_boxes(tmp_path):
    """EXIF turns the image; boxes of the stored image turn with it, those of the upright one do not."""
    expected = {}
    for upright in (True, False):
        folder = as_coco(tmp_path / str(upright))
        path, content = (
            folder / "images" / "a.jpg",
            json.loads((folder / "annotations.json").read_text()),
        )
        tags = Image.Exif()
        tags[0x0112] = 6
        Image.new("RGB", (48, 64), "red").save(path, exif=tags)
        if not upright:
            content["images"][0] |= {"width": 48, "height": 64}
            (folder / "annotations.json").write_text(json.dumps(content))
            content["annotations"][0]["bbox"] = [5, 64 - 30, 35, 27]
            (folder / "annotations.json").write_text(json.dumps(content))
        photographs, targets, _ = objects("all", folder)
        assert photographs[0].shape == (3, 48, 64)
        expected[upright] = targets[0]["boxes"]
    torch.testing.assert_close(expected[True], torch.tensor([[3.0, 5, 30, 40]]))
    torch.testing.assert_close(expected[False], expected[True])


@pytest.mark.parametrize(
    "form, file, text, error, words",
    [
        ("coco", "annotations.json", '{"images": [], "categories": [', ValueError, "not in COCO's form"),
        ("coco", "annotations.json", '{"images": [{"id": 1}], "categories": []}', ValueError, "'file_name' is missing"),
        ("yolo", "labels/a.txt", "0 .5 .5 .2", ValueError, "a.txt, line 1: expected a class below 2"),
        ("yolo", "labels/a.txt", "2 .5 .5 .2 .2", ValueError, "expected a class below 2 .* got '2"),
        ("yolo", "labels/a.txt", "0 .5 .5 nan .2", ValueError, "line 1"),
        ("yolo", "labels/a.txt", "0 2.5 .5 .2 .2", ValueError, "outside its image"),
        ("yolo", "data.yaml", "nc: 2", FileNotFoundError, "no class names"),
        ("voc", "annotations/a.xml", "<annotation><object/></annotation>", ValueError, "has no name"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_file(form, file, text, error, words, tmp_path):
    folder = FORMS[form](tmp_path / form)
    (folder / file).write_text(text)
    with pytest.raises(error, match=words):
        objects("all", folder)


def test_nothing_in_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="no nowhere"):
        objects("all", tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"neither .xml files"):
        objects("all", tmp_path)
    with pytest.raises(ValueError, match="split must be one of"):
        objects("dev", tmp_path)


@pytest.fixture(scope="module")
def bccd():
    named = os.environ.get("COURSE_DATA_DIR") or files.ROOT.parent / "shared/datasets"
    if not (Path(named) / "bccd").exists():
        pytest.skip("BCCD is not there")
    return Path(named) / "bccd"


def test_bccd_by_the_same_door(bccd, capsys):
    by_door = datasets.load("objects", "test", folder=bccd)
    by_voc = datasets.load("voc", "test", folder=bccd / "VOCdevkit")
    assert "VOC form: 364 images, 3 classes, split as the files say" in capsys.readouterr().out
    assert by_door.names == by_voc.names and len(by_door) == len(by_voc)
    # the same photographs, in another order
    sums = [sorted(t["boxes"].sum().item() for t in found.targets) for found in (by_door, by_voc)]
    assert sums[0] == sums[1]


@pytest.mark.parametrize("form", ["flat", "coco", "yolo"])
def test_bccd_has_the_same_boxes_in_every_form(bccd, tmp_path, form):
    photographs, targets, names = objects("all", bccd)
    (tmp_path / "images").mkdir()
    for path in photographs.paths:
        (tmp_path / "images" / path.name).symlink_to(path)
    write = {"flat": flat_bccd, "coco": coco_bccd, "yolo": yolo_bccd}[form]
    write(bccd, tmp_path, photographs.paths, targets, names)
    paths, again, named = objects("all", tmp_path)
    by_name = {p.name: t for p, t in zip(photographs.paths, targets, strict=True)}
    assert named == names and len(again) == len(targets) == 364
    for path, target in zip(paths.paths, again, strict=True):
        before = by_name[path.name]
        torch.testing.assert_close(target["boxes"], before["boxes"], atol=1e-6, rtol=1e-6)
        assert torch.equal(target["labels"], before["labels"])


def flat_bccd(bccd, folder, paths, targets, names):
    """images/ and annotations/ side by side, without lists."""
    (folder / "annotations").mkdir()
    for path in bccd.rglob("*.xml"):
        (folder / "annotations" / path.name).symlink_to(path)


def coco_bccd(bccd, folder, paths, targets, names):
    content = {"images": [], "annotations": [], "categories": []}
    content["categories"] = [{"id": 7 * i, "name": name} for i, name in enumerate(names, 1)]
    for number, (path, target) in enumerate(zip(paths, targets, strict=True)):
        content["images"].append({"id": number, "file_name": path.name})
        for (x1, y1, x2, y2), label in zip(
            target["boxes"].tolist(), target["labels"].tolist(), strict=True
        ):
            one = {"bbox": [x1, y1, x2 - x1, y2 - y1], "category_id": 7 * label + 7}
            one |= {"image_id": number, "id": len(content["annotations"])}
            content["annotations"].append(one)
    (folder / "boxes.json").write_text(json.dumps(content))


def yolo_bccd(bccd, folder, paths, targets, names):
    (folder / "labels").mkdir()
    (folder / "classes.txt").write_text("\n".join(names))
    for path, target in zip(paths, targets, strict=True):
        width, height = Image.open(path).size
        lines = [
            f"{label} {(x1 + x2) / 2 / width} {(y1 + y2) / 2 / height} {(x2 - x1) / width} {(y2 - y1) / height}"
            for (x1, y1, x2, y2), label in zip(
                target["boxes"].tolist(), target["labels"].tolist(), strict=True
            )
        ]
        (folder / "labels" / f"{path.stem}.txt").write_text("\n".join(lines))

"""Files as people have them: images of every kind, turned by telephones; lists and annotations in every encoding."""

import os
from unittest.mock import patch

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from course_lib.data import datasets, files
from course_lib.data.folders import class_folders
from course_lib.data.image_files import UPRIGHT, measured, open_image, open_oriented
from course_lib.data.lfw import parse_lfw_pairs
from course_lib.data.voc import voc


def save(path, image=None, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    (image or Image.new("RGB", (40, 30), (90, 120, 30))).save(path, **options)
    return path


def exif(orientation) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def colour(path, mode="RGB"):
    """The colour of the middle pixel."""
    image = open_image("test", path, mode)
    return image.getpixel((image.width // 2, image.height // 2))


# ---------------------------------------------------------------- images


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize(
    "suffix, dtype, top",
    [("png", np.uint16, 65535), ("tif", np.uint16, 65535), ("tif", np.float32, 1.0), ("tif", np.int32, 65535)],
)  # fmt: skip
def test_grey_of_16_bits_and_of_floating_point_keeps_its_range(tmp_path, suffix, dtype, top, mode):
    ramp = np.tile(np.linspace(0, top, 256), (4, 1)).astype(dtype)
    path = save(tmp_path / f"1.{suffix}", Image.fromarray(ramp))
    pixels = np.asarray(open_image("test", path, mode)).reshape(4, 256, -1)
    assert (np.abs(pixels[0, :, 0].astype(int) - np.arange(256)) <= 1).all()


@pytest.mark.parametrize(
    "values, says", [((-1, 0), "got -1..0"), ((0, 255), "got 0..255"), ((0, np.nan), "got nan")]
)
def test_floating_values_of_no_known_range_are_refused(tmp_path, values, says):
    path = save(tmp_path / "1.tif", Image.fromarray(np.array([values], dtype=np.float32)))
    with pytest.raises(ValueError, match=rf"test: .*1.tif cannot be read as an image: .*{says}"):
        open_image("test", path, "RGB")


def test_what_is_transparent_lies_on_white(tmp_path):
    grey = Image.new("LA", (4, 4), (10, 0))
    half = Image.new("RGBA", (4, 4), (255, 0, 0, 128))
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([1, 2, 3, 200, 100, 50])
    assert colour(save(tmp_path / "la.png", grey)) == (255, 255, 255)
    assert colour(save(tmp_path / "rgba.png", half)) == (255, 127, 127)
    assert colour(save(tmp_path / "clear.png", palette, transparency=1)) == (255, 255, 255)
    assert colour(save(tmp_path / "palette.png", palette)) == (200, 100, 50)
    one = Image.new("1", (4, 4), 1)
    assert colour(save(tmp_path / "bit.png", one)) == (255, 255, 255)
    assert colour(tmp_path / "bit.png", "L") == 255


def test_cmyk_animations_and_wrong_suffixes(tmp_path):
    red = colour(save(tmp_path / "1.jpg", Image.new("CMYK", (16, 16), (0, 255, 255, 0))))
    assert red[0] > 250 and max(red[1:]) < 5
    first, second = (Image.new("RGB", (4, 4), c) for c in ("red", "blue"))
    save(tmp_path / "2.gif", first, save_all=True, append_images=[second])
    assert colour(tmp_path / "2.gif") == (255, 0, 0)
    save(tmp_path / "3.png", first).rename(tmp_path / "3.jpg")
    assert colour(tmp_path / "3.jpg") == (255, 0, 0)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_every_orientation_is_undone(tmp_path, orientation, mode):
    upright = Image.new("RGB", (64, 32), "black")
    ImageDraw.Draw(upright).rectangle((0, 0, 15, 7), fill="white")
    turned_back = {6: 8, 8: 6}.get(orientation, orientation)
    stored = upright.transpose(UPRIGHT[turned_back]) if orientation > 1 else upright
    path = save(tmp_path / "1.png", stored, exif=exif(orientation))
    assert open_image("test", path, mode).tobytes() == upright.convert(mode).tobytes()


@pytest.mark.parametrize(
    "tags", [exif(0), exif(9), exif(65535), b"Exif\0\0rubbish", b"Exif\0\0MM\0*\0\0\0\x08\0\x01"]
)
def test_odd_tags_leave_the_image_as_it_is(tmp_path, tags, recwarn):
    assert open_image("test", save(tmp_path / "1.jpg", exif=tags), "RGB").size == (40, 30)
    assert not recwarn.list  # a warning in a notebook is noise


@pytest.mark.parametrize(
    "content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + bytes(30), b"BM", b"text"]
)
def test_what_is_no_image_is_named(tmp_path, content):
    (tmp_path / "own" / "a").mkdir(parents=True)
    (tmp_path / "own" / "a" / "x.jpg").write_bytes(content)
    says = r"class-folders: no image can be read: .*a/x.jpg cannot be read as an image: ."
    with pytest.raises(FileNotFoundError, match=says):
        class_folders("all", tmp_path / "own")


def test_an_image_of_too_many_pixels_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    with pytest.raises(ValueError, match=r"1.png cannot be read as an image: .*exceeds limit"):
        open_image("test", save(tmp_path / "1.png"), "RGB")


# ---------------------------------------------------------------- class folders


def test_only_images_of_a_class_are_counted(tmp_path):
    own = tmp_path / "my own"
    for name in ("a/1.JPG", "a/deep/2.Png", "b é/3.jpeg", "a/.ipynb_checkpoints/1.jpg", "a/x/.trash/y/1.jpg",
                 "__MACOSX/a/1.jpg", ".git/1.jpg", "a/._1.jpg"):  # fmt: skip
        save(own / name, format="png")
    (own / "a" / "Thumbs.db").write_bytes(b"rubbish")
    (own / "a" / "album.jpg").mkdir()
    _, labels, names = class_folders("all", own, size=8)
    assert names == ["a", "b é"] and labels.tolist() == [0, 0, 1]


def test_a_link_that_leads_back_is_followed_once(tmp_path):
    save(tmp_path / "own" / "a" / "1.png")
    save(tmp_path / "elsewhere" / "2.png")
    (tmp_path / "own" / "a" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "own" / "a" / "back").symlink_to(tmp_path / "own" / "a")
    assert len(class_folders("all", tmp_path / "own", size=8)[0]) == 2


def test_a_label_is_the_same_class_in_every_split(tmp_path):
    shades = {"ape": 10, "bee": 80, "cat": 150, "dog": 220}
    for split, classes in {"train": ["ape", "cat"], "val": ["bee"], "test": ["cat", "dog"]}.items():
        for name in classes:
            save(tmp_path / split / name / "1.png", Image.new("RGB", (8, 8), (shades[name],) * 3))
    (tmp_path / "test" / "ape").mkdir()  # no test images of it
    for split, expected in {
        "train": [0, 2],
        "val": [1],
        "test": [2, 3],
        "all": [0, 1, 2, 2, 3],
    }.items():
        images, labels, names = class_folders(split, tmp_path, size=8)
        assert names == list(shades) and labels.tolist() == expected
        grey = (images.mean((1, 2, 3)) * 255).round().tolist()
        assert grey == [list(shades.values())[label] for label in expected]


def test_names_from_a_mac_are_the_same_names(tmp_path):
    save(tmp_path / "train" / "caf\u00e9" / "1.png")
    save(tmp_path / "test" / "cafe\u0301" / "1.png")
    for split in ("train", "test"):
        assert class_folders(split, tmp_path, size=8)[1:][1] == ["caf\u00e9"]


def test_a_long_image_is_cut_before_it_is_scaled(tmp_path):
    save(tmp_path / "own" / "a" / "1.png", Image.new("RGB", (60_000, 1)))
    with patch.object(
        Image.Image, "resize", autospec=True, side_effect=Image.Image.resize
    ) as resize:
        assert class_folders("all", tmp_path / "own", size=64)[0].shape == (1, 3, 64, 64)
    assert resize.call_args.args[0].size == (1, 1)


# ---------------------------------------------------------------- VOC of one's own


def element(box=(1, 2, 11, 12), name="cat") -> str:
    sides = zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
    corners = "".join(f"<{side}>{value}</{side}>" for side, value in sides)
    return f"<object><name>{name}</name><bndbox>{corners}</bndbox></object>"


def annotation(*objects: str, size=(40, 30)) -> str:
    sides = (
        "" if size is None else f"<size><width>{size[0]}</width><height>{size[1]}</height></size>"
    )
    return f"<annotation>{sides}{''.join(objects)}</annotation>"


@pytest.fixture
def root(tmp_path):
    """A VOC folder with an image "a" and a cat in it, by name; change it with `put`."""
    folder = tmp_path / "my own"
    for part in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (folder / part).mkdir(parents=True)
    save(folder / "JPEGImages" / "a.jpg")
    put(folder, annotation(element()))
    (folder / "ImageSets" / "Main" / "train.txt").write_text("a\n", "utf-8")
    return folder


def put(root, xml, name="a", encoding="utf-8"):
    (root / "Annotations" / f"{name}.xml").write_bytes(xml.encode(encoding))


@pytest.mark.parametrize("orientation", [1, 5, 6, 7, 8])
@pytest.mark.parametrize("as_stored", [True, False])
def test_boxes_turn_with_their_image(root, orientation, as_stored):
    stored = Image.new("RGB", (40, 30), (0, 0, 255))
    ImageDraw.Draw(stored).rectangle((28, 2, 37, 6), fill=(255, 0, 0))
    save(root / "JPEGImages" / "a.jpg", stored, quality=100, subsampling=0, exif=exif(orientation))
    box, size = (28, 2, 38, 7), (40, 30)
    if not as_stored and orientation > 1:
        upright = np.asarray(stored.transpose(UPRIGHT[orientation]))
        rows, columns = np.nonzero(upright[..., 0] > 128)
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        size = (30, 40)
    put(root, annotation(element(box), size=size))
    images, targets, _ = voc("train", root)
    assert images[0].shape == ((3, 30, 40) if orientation == 1 else (3, 40, 30))
    x1, y1, x2, y2 = targets[0]["boxes"][0].long().tolist()
    assert (x2 - x1) * (y2 - y1) == 50 and images[0][0, y1:y2, x1:x2].min() > 0.9
    assert (images[0][0] > 0.5).sum() == 50


@pytest.mark.parametrize("size", [None, (0, 0), (30, 40)])
def test_boxes_are_those_of_the_upright_image_where_the_size_does_not_tell(root, size):
    save(root / "JPEGImages" / "a.jpg", exif=exif(6))
    put(root, annotation(element((1, 2, 11, 35)), size=size))
    assert voc("train", root)[1][0]["boxes"].tolist() == [[1, 2, 11, 35]]


def test_an_annotation_of_an_image_of_another_size_is_refused(root):
    put(root, annotation(element(), size=(80, 60)))
    with pytest.raises(ValueError, match=r"voc: .*a.xml is of an image of 80 x 60 .* has 40 x 30"):
        voc("train", root)


@pytest.mark.parametrize("size", [None, (40, 30)])
def test_boxes_end_at_the_edge_of_the_image(root, size):
    put(root, annotation(element((-3, -1, 44, 31)), element((3, 4, 3, 4)), size=size))
    assert voc("train", root)[1][0]["boxes"].tolist() == [[0, 0, 40, 30], [3, 4, 3, 4]]
    put(root, annotation(element((50, 2, 60, 12)), size=size))
    with pytest.raises(
        ValueError, match=r"voc: .*a.xml has a box .*50.* outside its image of 40 x 30"
    ):
        voc("train", root)


@pytest.mark.parametrize(
    "box", [(1, 2, "1e999", 12), ("nan", 2, 11, 12), (1, "-inf", 11, 12), (11, 2, 1, 12)]
)
def test_sides_that_are_no_box_are_refused(root, box):
    put(root, annotation(element(box)))
    with pytest.raises(
        ValueError, match=r"voc: .*a.xml has a box .*, its sides must be finite, with"
    ):
        voc("train", root)


@pytest.mark.parametrize("text", ["", "eleven", "1,5"])
def test_a_side_that_is_no_number_is_named(root, text):
    put(root, annotation(element((1, 2, text, 12))))
    with pytest.raises(
        ValueError, match=f"a.xml is not a VOC annotation: <xmax> .* no number: '{text}'"
    ):
        voc("train", root)


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "latin-1", "utf-16-le", "utf-16-be"]


@pytest.mark.parametrize(
    "end", ["\n", "\r\n", "\r", " \n\n", "\t\n", " 1\n", "  -1\r\n", "\t0\tx\n"]
)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_list_in_every_encoding_with_columns_and_blank_lines(root, encoding, end):
    for name in ("é a", "b"):
        save(root / "JPEGImages" / f"{name}.jpg")
        put(root, annotation(element(name=name)), name)
    (root / "ImageSets" / "Main" / "val.txt").write_bytes((f"b{end}é a{end}").encode(encoding))
    _, targets, names = voc("val", root)
    assert [names[t["labels"][0]] for t in targets] == ["b", "é a"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("head", ["", '<?xml version="1.0"?>', '\n<?xml version="1.0"?>\n'])
def test_an_annotation_in_every_encoding(root, encoding, head):
    put(root, head + annotation(element(name="café")), encoding=encoding)
    assert voc("train", root)[2] == ["café"]


def test_a_list_that_is_no_text_is_refused(root):
    (root / "ImageSets" / "Main" / "train.txt").write_bytes(b"PK\3\4\0\0\0\0")
    with pytest.raises(ValueError, match=r"voc: .*train.txt is not a text file"):
        voc("train", root)


def test_other_suffixes_and_what_lies_about(root):
    (root / "JPEGImages" / "a.jpg").rename(root / "JPEGImages" / "a.JPG")
    save(root / "JPEGImages" / "b.png")
    put(root, annotation(element(name="dog")), "b")
    (root / "Annotations" / "b.xml").rename(root / "Annotations" / "b.XML")
    for place in (root / "Annotations" / "._a.xml", root / "JPEGImages" / "._a.jpg"):
        place.write_bytes(b"\0\5\26\7\0\2\0\0Mac OS X")
    (root / "ImageSets" / "Main" / "train.txt").write_text("a\nb\n", "utf-8")
    images, _, names = voc("train", root)
    assert len(images) == 2 and names == ["cat", "dog"]
    (root / "JPEGImages" / "b.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"voc: no JPEGImages/b.jpg in .*my own"):
        voc("train", root)


def test_names_from_a_mac_match_a_list_from_elsewhere(root):
    save(root / "JPEGImages" / "cafe\u0301.jpg")
    put(root, annotation(element()), "cafe\u0301")
    (root / "ImageSets" / "Main" / "train.txt").write_text("caf\u00e9\n", "utf-8")
    assert len(voc("train", root)[0]) == 1


@pytest.mark.parametrize("limit", [0, -1, 1.5])
def test_a_limit_counts_images(root, limit):
    with pytest.raises((TypeError, ValueError), match="voc: limit must be"):
        voc("train", root, limit=limit)


# ---------------------------------------------------------------- folders, links, pairs


def refuse(*_, **__):
    raise OSError(1314, "A required privilege is not held by the client")


@pytest.mark.parametrize("forbidden", [("os.symlink",), ("os.symlink", "os.link")])
def test_where_links_are_not_allowed(tmp_path, root, monkeypatch, forbidden):
    save(tmp_path / "home" / "deep" / "1.png")
    (tmp_path / "home" / "list.txt").write_text("x", "utf-8")
    for name in forbidden:
        monkeypatch.setattr(name, refuse)
    with files.linked(
        "lfw_home", tmp_path / "home" / "deep", tmp_path / "home" / "list.txt"
    ) as home:
        assert (home / "lfw_home" / "list.txt").read_text("utf-8") == "x"
        assert Image.open(home / "lfw_home" / "deep" / "1.png").size == (40, 30)
    assert (tmp_path / "home" / "deep" / "1.png").exists() and not home.exists()
    assert len(voc("train", root)[0]) == 1


def test_folders_as_people_write_them(root, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for folder in ("~/my own", "my own", "./my own/", root):
        assert (
            len(datasets.load("voc", "train", folder=folder)) == len(voc("train", folder)[0]) == 1
        )
    root.rename(tmp_path / "VOCdevkit")
    for data in ("~", "."):
        monkeypatch.setenv("COURSE_DATA_DIR", data)
        assert files.find("VOCdevkit") == tmp_path / "VOCdevkit"
    monkeypatch.setenv("COURSE_DATA_DIR", "~/nowhere")
    with pytest.raises(
        FileNotFoundError, match=r"COURSE_DATA_DIR to where it is \(.*/nowhere is no folder\)"
    ):
        datasets.load("voc", "train")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_lists_of_pairs_in_every_encoding(tmp_path, encoding):
    text = "1\r\nJosé\t1\t2\r\nJosé\t1\tBob\t1\r\n"
    (tmp_path / "pairs.txt").write_bytes(text.encode(encoding))
    pairs, _, _ = parse_lfw_pairs(tmp_path / "pairs.txt")
    assert pairs == [("José", 1, "José", 2), ("José", 1, "Bob", 1)]


def test_nothing_is_written_beside_ones_files(root):
    before = sorted(os.walk(root))
    voc("train", root)
    assert sorted(os.walk(root)) == before and torch.is_tensor(voc("train", root)[0][0])


# ---------------------------------------------------------------- measured without decoding


@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("suffix", ["tif", "jpg", "png"])
def test_what_is_measured_is_what_is_decoded(tmp_path, suffix, orientation):
    tags = {"tiffinfo": {0x0112: orientation}} if suffix == "tif" else {"exif": exif(orientation)}
    path = save(tmp_path / f"1.{suffix}", **tags)
    image, turned = open_oriented("test", path, "RGB")
    assert measured("test", path) == (image.size, turned)


def test_a_film_behind_a_photograph_does_no_harm_and_cut_files_are_noticed(tmp_path):
    path = save(tmp_path / "1.jpg")
    path.write_bytes(path.read_bytes() + b"ftypmp42" + bytes(9000))
    assert measured("test", path) == ((40, 30), 1)
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 90, 3), dtype=np.uint8))
    for suffix in ("jpg", "png", "tif", "bmp", "gif", "webp"):
        path = save(tmp_path / f"2.{suffix}", noise)
        measured("test", path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(ValueError, match="cannot be read as an image"):
            measured("test", path)

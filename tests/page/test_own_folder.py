"""The control that chooses a folder: by typing and by button, remembered, and clear about what is wrong."""

import os
import warnings

import pytest

from course_lib.page.own_folder import own_folder


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_FOLDERS", str(tmp_path / "own_folders.json"))
    monkeypatch.delenv("COURSE_PHOTOS", raising=False)
    return tmp_path / "own_folders.json"


@pytest.fixture
def album(tmp_path):
    (tmp_path / "My photos ü" / "more").mkdir(parents=True)
    (tmp_path / "My videos").mkdir()
    (tmp_path / "My photos ü" / "1.jpg").write_bytes(b"")
    return tmp_path / "My photos ü"


def count(folder):
    if folder.name == "more":
        raise FileNotFoundError("there is nothing in <it>")
    print(f"{len(list(folder.iterdir()))} things")
    if not list(folder.glob("*.jpg")):
        warnings.warn("no photographs <here>", stacklevel=1)


def test_a_folder_is_looked_at_said_and_remembered(album):
    control = own_folder("COURSE_PHOTOS", count)
    assert control.folder is None and control.message.value == ""
    control.path.value = str(album)
    control.choose(control.path.value)
    assert control.folder == album
    assert "2 things<br>Now run the cells below once more" in control.message.value
    again = own_folder("COURSE_PHOTOS", count)
    assert again.folder == album and again.path.value == str(album)
    assert own_folder("COURSE_VOC", count).folder is None
    again.forget.click()
    assert again.folder is None and own_folder("COURSE_PHOTOS", count).folder is None


def test_what_is_wrong_is_shown_and_the_folder_of_before_is_kept(album):
    control = own_folder("COURSE_PHOTOS", count)
    control.choose(str(album))
    control.choose(str(album) + "/nowhere")
    assert control.folder == album and "There is no folder " in control.message.value
    control.choose(str(album / "more"))
    assert control.folder == album and "there is nothing in &lt;it&gt;" in control.message.value
    control.choose(str(album.parent))
    assert control.folder == album.parent and "no photographs &lt;here&gt;" in control.message.value


def test_the_environment_goes_first_and_home_is_known(album, monkeypatch):
    own_folder("COURSE_PHOTOS", count).choose(str(album.parent))
    monkeypatch.setenv("HOME", str(album.parent))
    monkeypatch.setenv("COURSE_PHOTOS", "~/My photos ü")
    assert own_folder("COURSE_PHOTOS", count).folder == album


def test_folders_are_offered_while_one_types(album):
    control = own_folder("COURSE_PHOTOS", count)
    above = str(album.parent)
    control.path.value = above + "/My"
    assert control.path.options == (f"{above}/My photos ü", f"{above}/My videos")
    control.path.value = str(album) + "/"
    assert control.path.options == (f"{album}/more",)
    control.path.value = above + "/nowhere/x"
    assert control.path.options == ()


@pytest.mark.parametrize("text", ["", "[1]", '{"COURSE_PHOTOS": 3}', "nonsense"])
def test_a_broken_file_remembers_nothing(album, kept, text):
    kept.write_text(text)
    control = own_folder("COURSE_PHOTOS", count)
    assert control.folder is None
    control.choose(str(album))
    assert own_folder("COURSE_PHOTOS", count).folder == album


def test_where_nothing_can_be_kept_the_page_still_knows(album, monkeypatch):
    monkeypatch.setenv("COURSE_FOLDERS", str(album / "1.jpg" / "x"))
    control = own_folder("COURSE_PHOTOS", count)
    control.choose(str(album))
    assert control.folder == album
    monkeypatch.setenv("COURSE_FOLDERS", os.devnull)
    assert own_folder("COURSE_PHOTOS", count).folder is None


def test_a_folder_that_is_gone_is_told_and_a_relative_one_is_kept_whole(album, monkeypatch):
    monkeypatch.chdir(album.parent)
    own_folder("COURSE_PHOTOS", count).choose("My photos ü")
    monkeypatch.chdir(album)
    assert own_folder("COURSE_PHOTOS", count).folder == album
    monkeypatch.setenv("COURSE_PHOTOS", str(album / "gone"))
    control = own_folder("COURSE_PHOTOS", count)
    assert control.folder is None and "There is no folder" in control.message.value


def test_its_output_is_the_same_whatever_is_chosen(album):
    control = own_folder("COURSE_PHOTOS", count)
    before = control._repr_mimebundle_()["text/plain"]
    control.choose(str(album))
    assert control._repr_mimebundle_()["text/plain"] == before
    assert "COURSE_PHOTOS" in before


def test_another_switch_is_refused():
    with pytest.raises(ValueError, match=r"own_folder: switch must be one of .* got 'COURSE_CATS'"):
        own_folder("COURSE_CATS", count)

"""torchvision's networks: from a file where it is there, and one sentence where it cannot be had."""

from urllib.error import URLError

import pytest
import torch
from torchvision.models import get_model

from course_lib.pretrained.others import pretrained

NAME, FILE = "squeezenet1_1", "squeezenet1_1-b8a52dc0.pth"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """No network, and an empty TORCH_HOME."""

    def no_network(*_, **__):
        raise URLError("no network")

    monkeypatch.setattr("torch.hub.urlopen", no_network)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return tmp_path / "hub" / "checkpoints"


def test_weights_in_a_file_are_taken(home):
    home.mkdir(parents=True)
    torch.manual_seed(1)
    theirs = get_model(NAME)
    torch.save(theirs.state_dict(), home / FILE)
    network, prepare = pretrained(NAME)
    images = prepare(torch.rand(2, 3, 300, 260))
    assert images.shape == (2, 3, 224, 224) and not network.training
    with torch.no_grad():
        torch.testing.assert_close(network(images), theirs.eval()(images))


def test_without_a_network_one_sentence_says_what_to_do(home):
    with pytest.raises(FileNotFoundError) as error:
        pretrained(NAME)
    says = str(error.value)
    assert f"put {FILE} there, or set TORCH_HOME" in says and "no network" in says
    assert "\n" not in says


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", "half"])
def test_a_damaged_file_is_named(home, content):
    home.mkdir(parents=True)
    torch.save(get_model(NAME).state_dict(), home / FILE)
    whole = (home / FILE).read_bytes()
    (home / FILE).write_bytes(whole[: len(whole) // 2] if content == "half" else content)
    with pytest.raises(ValueError, match=rf"{FILE} is damaged or another file"):
        pretrained(NAME)


@pytest.mark.parametrize("name", ["resnet51", "", None, "quantized_resnet50"])
def test_another_name_is_refused(name):
    with pytest.raises(ValueError, match=r"torchvision has no network .* near to it are"):
        pretrained(name)

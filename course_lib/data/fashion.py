"""Fashion-MNIST: ten classes of clothing (Xiao et al., 2017)."""

from functools import partial
from pathlib import Path

from course_lib.data import files
from course_lib.data.files import Labelled

FASHION = {  # md5 of the unpacked files; torchvision lists the packed ones
    "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
    "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
    "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
}


def fashion_mnist(split: str, folder: Path, download: bool = False) -> Labelled:
    """Ten classes of clothing, 28 x 28 grey (Xiao et al., 2017): "train" is 60,000 images, "test" 10,000.

    Args:
        split: "train" or "test".
        folder: "FashionMNIST", with the four unpacked files in raw/.
    """
    from torchvision.datasets import FashionMNIST
    from torchvision.datasets.mnist import read_image_file, read_label_file

    files.check_split("fashion-mnist", split)
    folder = files.absolute(folder)
    names = list(FASHION)[:2] if split == "train" else list(FASHION)[2:]
    if download:
        fetch = partial(FashionMNIST, download=True)
        files.download_aside("fashion-mnist", folder, "FashionMNIST", fetch, f"raw/{names[0]}")
    files.require("fashion-mnist", folder, [f"raw/{name}" for name in names], download=True)
    for name in names:
        files.check_md5("fashion-mnist", folder / "raw" / name, [FASHION[name]])
    images, labels = (folder / "raw" / name for name in names)
    images, labels = read_image_file(str(images)), read_label_file(str(labels))
    return images[:, None].float() / 255, labels, list(FashionMNIST.classes)

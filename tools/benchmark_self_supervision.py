"""NT-Xent beside lightly and pytorch-metric-learning (PML), random views beside torchvision."""

from collections.abc import Callable
from importlib.util import find_spec

import torch
from torch import Tensor

from course_lib.self_supervision import contrastive
from course_lib.self_supervision.views import Views
from tools.stopwatch import side_by_side

D, TEMPERATURE = 128, 0.5
IMAGES, SIZE = 256, 40
COLOUR, GREY, BLUR = 0.4, 0.2, 0.5


def nt_xent() -> list[tuple]:
    """Forward and backward. lightly comes with EXTRAS=real.

    PML compares each of 2N positive pairs with each of 2N (2N - 2) negative pairs. One such table of float32 takes
    0.5 GB for 256 image pairs and 34 GB for 1,024, and it holds several: there it is not run.
    """
    from pytorch_metric_learning.losses import NTXentLoss

    pml, classes = NTXentLoss(TEMPERATURE), torch.arange(256).repeat(2)
    rows = beside_lightly() if find_spec("lightly") else [not_run("lightly: EXTRAS=real")]
    beside_pml = compared(256, "PML", lambda a, b: pml(torch.cat([a, b]), classes), repeats=3)
    return [*rows, beside_pml, not_run("PML: a table of 34 GB", "NT-Xent, 1,024 pairs")]


def beside_lightly() -> list[tuple]:
    from lightly.loss import NTXentLoss

    return [compared(pairs, "lightly", NTXentLoss(TEMPERATURE)) for pairs in (256, 1024)]


def not_run(why: str, name: str = "NT-Xent") -> tuple:
    return name, "not run", why, None


def compared(pairs: int, name: str, peer: Callable[[Tensor, Tensor], Tensor], repeats=21) -> tuple:
    """A row, once loss and gradients are shown to be equal."""
    torch.manual_seed(0)
    a = torch.randn(pairs, D)
    views = a.requires_grad_(), (a + 0.8 * torch.randn(pairs, D)).detach().requires_grad_()

    def step(loss: Callable[[Tensor, Tensor], Tensor]) -> Callable:
        def run() -> tuple[Tensor, ...]:
            value = loss(*views)
            return value, *torch.autograd.grad(value, views)

        return run

    ours = step(lambda a, b: contrastive.nt_xent(a, b, TEMPERATURE))
    theirs = step(peer)
    for mine, other in zip(ours(), theirs(), strict=True):
        # a gradient's numbers are as small as 1e-5: "equal" is relative to the largest
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-4 * other.abs().max().item())
    times = side_by_side(ours, theirs, repeats)
    return f"NT-Xent, {pairs:,} pairs, with gradient", times[0], name, times[1]


def random_views() -> list[tuple]:
    """A view of each of 256 images; torchvision takes one image at a time, and turns the hue in HSV."""
    from torchvision.transforms import v2

    images = torch.rand(IMAGES, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    steps = [
        v2.RandomResizedCrop(SIZE, scale=(0.4, 1), antialias=False),
        v2.RandomHorizontalFlip(),
        v2.ColorJitter(COLOUR, COLOUR, COLOUR, COLOUR / 4),
        v2.RandomGrayscale(GREY),
    ]
    blurring = v2.RandomApply([v2.GaussianBlur(5, sigma=(0.1, 1.5))], p=BLUR)
    rows = []
    for name, blur, theirs in (
        ("without blur", 0.0, v2.Compose(steps)),
        ("with blur", BLUR, v2.Compose([*steps, blurring])),
    ):
        ours = Views(area=0.4, colour=COLOUR, grey=GREY, mirror=True, blur=blur)
        generator = torch.Generator().manual_seed(0)
        mine, peer = side_by_side(
            lambda v=ours, g=generator: v(images, g),
            lambda v=theirs: torch.stack([v(image) for image in images]),
        )
        rate, peers = f"{IMAGES / mine:,.0f} views/s", f"torchvision, {IMAGES / peer:,.0f} views/s"
        rows.append((f"views {name}, {rate}", mine, peers, peer))
    return rows

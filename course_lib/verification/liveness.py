"""Fake or live (L2.01): what a photo of a photo looks like, and how the errors of a liveness detector are counted.

In a presentation attack the camera sees a screen or a print of a face, and no face. Three attacks are drawn here from
live images, each image by its own random amounts.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.arguments import check_finite, check_images, check_share, check_tensor

WHITE_PAPER = (0.92, 0.91, 0.88)  # in the light of a room
INK_ANGLES = (15, 75, 0)  # degrees: a printer turns the dots of cyan, magenta and yellow by these


def screen(images: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """The faces on a screen, photographed: bluish, black is not black, and moire.

    Args:
        images: live faces in 0..1, of any floating-point type; at least one.     # [N, 3, H, W]
        generator: source of the random amounts.
        strength: 0 leaves the images as they are, 1 is the whole attack; between them the two are mixed.
    Returns:
        Attacks in 0..1, of the same type.                                        # [N, 3, H, W]
    Raises:
        TypeError, ValueError: not such images; no torch.Generator; a strength outside 0..1.

    Moire: the screen's pixels are a little smaller than the camera's and turned a little. A grid so fine, sampled once
    a pixel, gives wide bands. They are coloured, since red, green and blue lie side by side on a screen.

    >>> screen(torch.rand(5, 3, 48, 48), torch.Generator().manual_seed(0)).shape
    torch.Size([5, 3, 48, 48])
    """
    live, x, y, uniform = _start("screen", images, generator, strength)
    glow = uniform(0.03, 0.07) * _colour(live, 0.8, 1.0, 1.4)  # of black
    shown = glow + (1 - glow) * live * _colour(live, 0.95, 0.99, 1.03)
    x, y = _turned(x, y, uniform(-0.07, 0.07))
    period = uniform(0.88, 0.96)  # of the screen's pixels, in pixels of the camera
    beside = _colour(live, 0, 1 / 3, 2 / 3)
    grid = _wave(x / period + beside + uniform(0, 1)) + _wave(y / period + uniform(0, 1))
    shown = shown * (1 + uniform(0.035, 0.07) * grid)
    return live.lerp(shown.clamp(0, 1), strength).to(images.dtype)


def print_out(images: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """The faces on paper, photographed: faded colours, halftone dots, and a white edge of the paper.

    Args, Returns, Raises: as for `screen`.

    Each ink has its own grid of dots. They are strongest in medium tones: neither bare paper nor full ink has dots.
    """
    live, x, y, uniform = _start("print_out", images, generator, strength)
    faded = live.lerp(live.mean(dim=1, keepdim=True), uniform(0.1, 0.3))
    across, down = _turned(x, y, _colour(live, *INK_ANGLES) * math.pi / 180 + uniform(0, math.pi))
    period = uniform(2.6, 3.6)  # of the dots, in pixels
    dots = _wave(across / period) + _wave(down / period)
    shown = faded + uniform(0.03, 0.07) * 4 * faded * (1 - faded) * dots
    ink, paper = uniform(0.05, 0.12), _colour(live, *WHITE_PAPER)
    shown = ink + (paper - ink) * shown.clamp(0, 1)
    # the print hangs askew: some of its four edges are seen, and the paper beyond them
    height, width = live.shape[2:]
    x, y = _turned(x, y, uniform(-0.06, 0.06))
    beyond_x = (x - uniform(-0.05, 0.05) * width).abs() - 0.485 * width  # pixels
    beyond_y = (y - uniform(-0.05, 0.05) * height).abs() - 0.485 * height
    shown = shown.lerp(paper, (torch.maximum(beyond_x, beyond_y) + 0.5).clamp(0, 1))
    return live.lerp(shown, strength).to(images.dtype)


def glare(images: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """The faces on a glossy photo in which a lamp is reflected: weaker darks, and a bright streak with soft edges.

    Args, Returns, Raises: as for `screen`.
    """
    live, x, y, uniform = _start("glare", images, generator, strength)
    height, width = live.shape[2:]
    x, y = x / width - uniform(-0.3, 0.3), y / height - uniform(-0.3, 0.3)
    along, across = _turned(x, y, uniform(0, math.pi))
    away = (along / uniform(0.15, 0.4)).square() + (across / uniform(0.04, 0.1)).square()
    light = (uniform(0.9, 1.3) * (-away).exp()).clamp(max=1)
    ink = uniform(0.05, 0.12)
    shown = ink + (_colour(live, *WHITE_PAPER) - ink) * live
    return live.lerp(light + (1 - light) * shown, strength).to(images.dtype)


ATTACKS = {"screen": screen, "print": print_out, "glare": glare}


def error_rates(
    live: Tensor, attacks: dict[str, Tensor], threshold: float
) -> tuple[dict[str, float], float]:
    """APCER of every attack type, and BPCER, of a detector that accepts scores at or above a threshold as live.

        APCER = attacks of one type that are accepted / attacks of that type     (false accepts)
        BPCER = live images that are rejected / live images                      (false rejects)

    Args:
        live: scores of live images, higher is more live.                         # [N], N >= 1
        attacks: attack type -> scores of attacks of that type.                   # [M] each, M >= 1
        threshold: a number; infinity rejects everything.
    Raises:
        TypeError, ValueError: scores other than floating-point [N], none, or with NaN or infinity.

    Attack and bona fide presentation classification error rates: ISO/IEC 30107-3. Of the types the worst one counts,
    `max(apcer.values())`: whoever attacks chooses the type. A mean would depend on how many of each were tried.

    >>> error_rates(torch.tensor([0.9, 0.5, 0.4]), {"screen": torch.tensor([0.1, 0.6])}, threshold=0.4)
    ({'screen': 0.5}, 0.0)
    """
    if not isinstance(attacks, dict):
        raise TypeError(f"error_rates: attacks must be a dict, got {type(attacks).__name__}")
    for name, scores in [("live", live), *attacks.items()]:
        check_tensor(f"error_rates of {name!r}", "[N]", scores=scores)
        check_finite(f"error_rates of {name!r}", scores=scores)
        if len(scores) == 0:
            raise ValueError(f"error_rates of {name!r}: at least one score is needed, got [0]")
    accepted = {name: s.double() >= threshold for name, s in attacks.items()}
    apcer = {name: which.double().mean().item() for name, which in accepted.items()}
    return apcer, (~(live.double() >= threshold)).double().mean().item()


def _start(
    where: str, images: Tensor, generator: torch.Generator, strength: float
) -> tuple[Tensor, Tensor, Tensor, Callable[[float, float], Tensor]]:
    """Live images in float32 or more; x and y of pixels from the middle; an amount for each image, between two."""
    check_images(where, images, 3)
    check_share(where, strength=strength)
    if not isinstance(generator, torch.Generator):
        raise TypeError(f"{where}: generator must be a torch.Generator, got {generator!r}")
    live = images.to(torch.promote_types(images.dtype, torch.float32))
    x, y = (torch.arange(n, device=live.device) + 0.5 - n / 2 for n in images.shape[:1:-1])

    def uniform(low: float, high: float) -> Tensor:
        size = (len(images), 1, 1, 1)
        drawn = torch.rand(size, generator=generator, device=generator.device)
        return (low + (high - low) * drawn).to(live)

    return live, x, y[:, None], uniform


def _turned(x: Tensor, y: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    return x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()


def _wave(turns: Tensor) -> Tensor:
    return (2 * math.pi * turns).cos()


def _colour(images: Tensor, red: float, green: float, blue: float) -> Tensor:
    return images.new_tensor([red, green, blue]).view(3, 1, 1)

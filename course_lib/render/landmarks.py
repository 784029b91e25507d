"""Drawn landmarks for landmark recognition: postcards and users' photos, with GPS, noise (L3.01-L3.09).

A landmark is a building with a plan (number, seed); a photo adds viewpoint, hour, season, weather and who stands in
front.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.render.buildings import (
    BRIDGE,
    paint_building,
    plan_of,
)
from course_lib.render.canvas import Randoms, mix
from course_lib.render.places import CITY, CITY_KM, measured, moved
from course_lib.render.scenery import Scene

DOMAINS = ("catalogue", "user")
ORDINARY = ("houses", "street", "hills", "beach", "forest")


def copied(images: Tensor, r: Randoms, copy: Tensor) -> Tensor:
    """The same photo posted again: cropped by a few per cent, a little lighter or darker. Copy 0 is the photo."""
    crop, light = (
        r.uniform(0.92, 0.97)[:, 0],
        (r.uniform(0.04, 0.12) * (2 * r.chance(0.5) - 1)).exp()[:, None],
    )
    shift = (1 - crop) * (2 * r.fill(2) - 1)  # [B, 2]
    matrix = torch.stack([crop, 0 * crop, shift[:, :1], 0 * crop, crop, shift[:, 1:]], 1).view(
        -1, 2, 3
    )
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    again = F.grid_sample(images, grid, padding_mode="border", align_corners=False) * light
    return torch.where((copy > 0).view(-1, 1, 1, 1), again.clamp(0, 1), images)


def check(where: str, size: int, domain: str, **numbers: Tensor) -> None:
    if domain not in DOMAINS:
        raise ValueError(f"{where}: domain must be one of {DOMAINS}, got {domain!r}")
    if size < 16:
        raise ValueError(f"{where}: size must be 16 pixels or more, got {size}")
    check_numbers(where, **numbers)


def check_numbers(where: str, **numbers: Tensor) -> None:
    for name, value in numbers.items():
        if not isinstance(value, Tensor) or value.dtype != torch.int64 or value.dim() != 1:
            got = f"{value.dtype} {list(value.shape)}" if isinstance(value, Tensor) else repr(value)
            raise TypeError(f"{where}: {name} must be int64 numbers [B], got {got}")
    lengths = {name: len(value) for name, value in numbers.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{where}: needs as many of each, got {lengths}")


def draw_landmarks(landmark: Tensor, photo: Tensor, seed: int = 0, size: int = 48, domain: str = "catalogue",
                   copy: Tensor | None = None) -> dict:  # fmt: skip
    """Draw photos of landmarks.

    Args:
        landmark: whose; every number is another building.                        # [B] int64
        photo: which photo of it.                                                 # [B] int64
        seed: another seed is another town.
        size: side in pixels, at least 16.
        domain: "catalogue" for postcards (centred, level, mostly by day), "user" for what people post: shifted,
            tilted, cropped, filtered, blurred, by night, with people, cars and heads in the way.
        copy: 0 for the photo itself, 1, 2, ... for the same file cropped and brightened a little.    # [B] int64
    Returns:
        images: in 0..1.                                                          # [B, 3, size, size]
        place: where the landmark stands: latitude, longitude in degrees, in a town 8 km wide.    # [B, 2]
        gps: where the phone thinks it was, 50-500 m off; NaN where it does not say: 40% in "user", none in
            "catalogue". A copy keeps its photo's.                                # [B, 2]
        nuisances: what belongs to the photo alone: time (morning, noon, dusk, night), season (green, autumn, snow),
            ground (square, lawn, water), zoom, shift, turn (-1..1, the sign says on which side the shadowed wall
            shows), tilt (radians).                                               # each [B]
    Raises:
        TypeError, ValueError: not int64 [B], unequal lengths, size below 16, an unknown domain.

    Every picture depends on its own numbers, seed, size and domain only, not on its batch. The two domains' photos
    with one number have nothing in common but the building. Lecture topics L3.01, L3.04, L3.05.
    """
    copies = torch.zeros_like(photo) if copy is None else copy
    check("draw_landmarks", size, domain, landmark=landmark, photo=photo, copy=copies)
    user = domain == "user"
    plan, r = (
        plan_of(landmark, seed),
        Randoms(f"landmark photo {domain}", seed, mix(landmark) + photo),
    )
    scene = Scene(r, size, user)
    ground = torch.where(plan["kind"] == BRIDGE, 2, r.choice(3))
    zoom = r.uniform(0.88, 1.0) * (1 + user * r.uniform(-0.25, 0.3))
    shift, turn = r.normal(0.2 if user else 0.04), r.uniform(0.1, 1.0)
    gps = measured(r, plan["place"], user)
    scene.paint_backdrop(r)
    scene.paint_ground(r, ground)
    scene.paint_trees(r, 2, 0.5)
    scene.unit = scene.pixel / zoom
    x = (scene.x - shift) / zoom * scene.side + 0.06 * turn
    h = (scene.horizon + 0.07 - scene.y) / zoom
    x = x * (1 + 0.1 * turn * (0.5 - h) * user)  # looking up, walls lean together
    paint_building(scene, plan, r, x, h, turn)
    scene.unit = torch.full_like(zoom, scene.pixel)
    wet = (ground == 2).float().view(-1, 1, 1)
    scene.reflect(r, scene.horizon + 0.1, wet)
    paint_front(scene, r, user, 1 - wet)
    images = scene.photograph(r, user)
    if copy is not None:
        images = copied(
            images, Randoms("landmark copy", seed, mix(mix(landmark) + photo) + copy), copy
        )
    values = {"zoom": zoom, "shift": shift, "turn": turn * scene.side, "tilt": scene.tilt}
    nuisances = {"time": scene.time, "season": scene.season, "ground": ground}
    nuisances.update({name: value.view(-1) for name, value in values.items()})
    return {"images": images, "place": plan["place"], "gps": gps, "nuisances": nuisances}


def paint_front(scene: Scene, r: Randoms, user: bool, dry: Tensor) -> None:
    """Who stands in front: trees, cars, people, and in users' photos their own heads."""
    scene.paint_trees(r, 2, 0.45 if user else 0.2, near=1.0)
    front = scene.lower()
    front.paint_car(r, 0.25 if user else 0.1, dry)
    front.paint_people(r, 4, 0.5 if user else 0.25, dry)
    front.paint_selfie(r, 0.16 if user else 0.0)


def draw_no_landmark(photo: Tensor, seed: int = 0, size: int = 48, domain: str = "user") -> dict:
    """Draw photos without a landmark: ordinary houses, streets, hills, beaches, forests.

    Args:
        photo: which photo.                                                       # [B] int64
        seed, size, domain: as in `draw_landmarks`.
    Returns:
        images: in 0..1.                                                          # [B, 3, size, size]
        gps: anywhere in the same town, NaN as in `draw_landmarks`.               # [B, 2]
        what: 0 houses, 1 street, 2 hills, 3 beach, 4 forest.                     # [B]
    Raises:
        TypeError, ValueError: not int64 [B], size below 16, an unknown domain.

    Lecture topics L3.01, L3.07.
    """
    check("draw_no_landmark", size, domain, photo=photo)
    user = domain == "user"
    r = Randoms(f"no landmark {domain}", seed, photo)
    scene, what = Scene(r, size, user), r.choice(len(ORDINARY))
    houses, street, hills, beach, forest = ((what == k).float().view(-1, 1, 1) for k in range(5))
    gps = measured(
        r, moved(torch.tensor(CITY).expand(len(photo), 2), (r.fill(2) - 0.5) * CITY_KM), user
    )
    scene.paint_backdrop(r)
    scene.paint_ground(r, torch.where((what == 1), 0, 1))
    scene.paint_country(r, hills, beach)
    scene.paint_trees(r, 2, 0.5 * (1 - beach))
    scene.paint_houses(r, street, houses + street)
    scene.paint_trees(r, 6, forest, near=0.4, inner=0.0)
    paint_front(scene, r, user, 1 - beach - forest)
    return {"images": scene.photograph(r, user), "gps": gps, "what": what}


def with_noise(labels: Tensor, photo: Tensor, seed: int, wrong: float, duplicates: float) -> tuple:
    """Spoil a clean set as a crawled one is spoiled: wrong labels and near-duplicates, to be cleaned away.

    Args:
        labels: of which landmark each photo is.                                  # [N] int64
        photo: its number.                                                        # [N] int64
        wrong: share of photos whose label becomes another of `labels`, 0..1.
        duplicates: share of photos replaced by a copy of another photo of the same landmark, 0..1.
    Returns:
        labels: with the wrong ones.                                              # [N] int64
        photo: with the repeated ones; draw with `copy = (duplicate_of >= 0).long()` and the *true* labels.    # [N]
        is_wrong: exactly where the label changed.                                # [N] bool
        duplicate_of: the row that this one copies, itself never a copy; -1 where it copies none.    # [N] int64
    Raises:
        TypeError, ValueError: not int64 [N], unequal lengths, a share outside 0..1, wrong labels asked of one
            landmark, more duplicates than there are photos beyond each landmark's first.

    Just round(wrong * N) labels and round(duplicates * N) photos change. A photo may be both.
    Lecture topic L3.05.

    >>> labels = torch.tensor([0, 0, 1, 1])
    >>> noisy, photo, is_wrong, duplicate_of = with_noise(labels, torch.arange(4), 0, wrong=0.25, duplicates=0.5)
    >>> int(is_wrong.sum()), int((noisy != labels).sum()), int((duplicate_of >= 0).sum())
    (1, 1, 2)
    """
    check_numbers("with_noise", labels=labels, photo=photo)
    for name, value in (("wrong", wrong), ("duplicates", duplicates)):
        if not 0 <= value <= 1:
            raise ValueError(f"with_noise: {name} must be a share in 0..1, got {value}")
    n = len(labels)
    names, own = labels.unique(return_inverse=True)
    r = Randoms("landmark noise", seed, torch.arange(n))
    swap, jump, order, source = r.fill(4).unbind(1) if n else torch.zeros(4, 0)
    is_wrong = torch.zeros(n, dtype=torch.bool)
    is_wrong[swap.argsort(stable=True)[: round(wrong * n)]] = True
    if is_wrong.any() and len(names) < 2:
        raise ValueError(f"with_noise: wrong labels need two landmarks, got only {names.tolist()}")
    other = (own + 1 + (jump * (len(names) - 1)).long().clamp(max=max(len(names) - 2, 0))) % max(
        len(names), 1
    )
    noisy = torch.where(is_wrong, names[other], labels)
    keeps = torch.zeros(
        n, dtype=torch.bool
    )  # each landmark's first photo in a random order stays an original
    ranked = order.argsort(stable=True)
    first = torch.full((len(names),), n).scatter_reduce(0, own[ranked], torch.arange(n), "amin")
    keeps[ranked[first]] = True
    count, free = round(duplicates * n), ranked[~keeps[ranked]]
    if count > len(free):
        raise ValueError(f"with_noise: duplicates {duplicates} means {count} copies, but each landmark keeps an "
                         f"original and only {len(free)} of {n} photos remain")  # fmt: skip
    duplicate_of = torch.full((n,), -1)
    is_copy = torch.zeros(n, dtype=torch.bool)
    is_copy[free[:count]] = True
    for row in free[:count].tolist():
        originals = torch.where((labels == labels[row]) & ~is_copy)[0]
        duplicate_of[row] = originals[int(source[row] * len(originals))]
    repeated = torch.where(is_copy, photo[duplicate_of.clamp(min=0)], photo)
    return noisy, repeated, is_wrong, duplicate_of

"""Drawn landmarks for landmark recognition: postcards and users' photos, with GPS, noise (L3.01-L3.09).

A landmark is a building with a plan (number, seed); a photo adds viewpoint, hour, season, weather and who stands in
front.
"""

import torch
from torch import Tensor

from course_lib.render.canvas import Randoms, mix
from course_lib.render.landmarks.bystanders import (
    paint_car,
    paint_people,
    paint_selfie,
    paint_trees,
)
from course_lib.render.landmarks.camera import copied, photograph
from course_lib.render.landmarks.gps import CITY, CITY_KM, measured, moved
from course_lib.render.landmarks.ground import LAWN, SQUARE, WATER, paint_ground, reflect
from course_lib.render.landmarks.no_landmark import (
    paint_beach,
    paint_forest,
    paint_hills,
    paint_houses,
)
from course_lib.render.landmarks.paint import paint_building
from course_lib.render.landmarks.photo import Scene, among
from course_lib.render.landmarks.plans import BRIDGE, plan_of
from course_lib.render.landmarks.sky import paint_backdrop, paint_sky

DOMAINS = ("catalogue", "user")


ORDINARY = ("houses", "street", "hills", "beach", "forest")


HOUSES, STREET, HILLS, BEACH, FOREST = range(5)


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
    user, which = domain == "user", mix(landmark) + photo
    plan, r = plan_of(landmark, seed), Randoms(f"landmark photo {domain}", seed, which)
    scene, ground = Scene(r, size, user), torch.where(plan["kind"] == BRIDGE, WATER, r.choice(3))
    view = {"zoom": r.uniform(0.88, 1.0) * (1 + user * r.uniform(-0.2, 0.3))}
    view["shift"], view["turn"] = r.normal(0.18 if user else 0.04), r.uniform(0.1, 1.0)
    gps = measured(r, plan["place"], user)
    paint_photo(scene, plan, ground, view, user)
    images = photograph(scene, user)
    if copy is not None:
        images = copied(images, Randoms("landmark copy", seed, mix(which) + copy), copy)
    view["turn"], view["tilt"] = view["turn"] * scene.side, scene.tilt
    nuisances = {"time": scene.time, "season": scene.season, "ground": ground}
    nuisances.update({name: value.view(-1) for name, value in view.items()})
    return {"images": images, "place": plan["place"], "gps": gps, "nuisances": nuisances}


def paint_photo(scene: Scene, plan: dict, ground: Tensor, view: dict, user: bool) -> None:
    """From back to front: sky, ground, trees, the building, who stands before it, the water's mirror."""
    zoom, shift, turn = view["zoom"], view["shift"], view["turn"]
    paint_sky(scene)
    paint_backdrop(scene)
    paint_ground(scene, ground)
    paint_trees(scene, 2, 0.5)
    scene.unit = scene.pixel / zoom
    x = (scene.x - shift) / zoom * scene.side + 0.06 * turn
    h = (scene.horizon + 0.07 - scene.y) / zoom
    x = x * (1 + 0.1 * turn * (0.5 - h) * user)  # looking up, walls lean together
    paint_building(scene, plan, x, h, turn)
    scene.unit = torch.full_like(zoom, scene.pixel)
    wet = among(ground, WATER)
    paint_front(scene, user, 1 - wet)
    reflect(scene, scene.horizon + 0.1, wet)
    paint_selfie(scene, 0.16 if user else 0.0)


def paint_front(scene: Scene, user: bool, dry: Tensor, green: Tensor | float = 1.0) -> None:
    """Who stands in front: trees where it is `green`, people, cars; where it is not dry, at the quay."""
    paint_trees(scene, 2, (0.45 if user else 0.2) * green, near=dry)
    paint_people(scene, 4, 0.5 if user else 0.25, dry)
    paint_car(scene, 0.25 if user else 0.1, dry)


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
    town = torch.tensor(CITY).expand(len(photo), 2)
    gps = measured(r, moved(town, (r.fill(2) - 0.5) * CITY_KM), user)
    paint_sky(scene)
    paint_backdrop(scene)
    paint_ground(scene, torch.where(what == STREET, SQUARE, LAWN))
    paint_country(scene, what)
    paint_front(scene, user, 1 - among(what, BEACH, FOREST), 1 - among(what, BEACH))
    paint_selfie(scene, 0.16 if user else 0.0)
    return {"images": photograph(scene, user), "gps": gps, "what": what}


def paint_country(scene: Scene, what: Tensor) -> None:
    """What there is instead of a landmark; `what` is one of ORDINARY.        # [B]"""
    with scene.where(among(what, HILLS)) as hills:
        paint_hills(hills)
    with scene.where(among(what, BEACH)) as beach:
        paint_beach(beach)
    with scene.where(among(what, FOREST)) as forest:
        paint_forest(forest)
    paint_trees(scene, 2, 0.5 * among(what, HOUSES, STREET, HILLS))
    with scene.where(among(what, HOUSES, STREET)) as houses:
        paint_houses(houses, among(houses.own(what), STREET))

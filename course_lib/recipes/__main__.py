"""Train what the notebooks share into data/cache: before a class, say.

python -m course_lib.recipes           every detector
python -m course_lib.recipes yolo      this one
"""

import sys

from course_lib.recipes.detectors import RECIPES, load_detector
from course_lib.recipes.scenes import street_scenes


def main(names: list[str]) -> None:
    """Train what is missing in the cache; every detector if none is named."""
    unknown = [name for name in names if name not in RECIPES]
    if unknown:
        sys.exit(f"course_lib.recipes: there is no {unknown[0]!r}; there are {', '.join(RECIPES)}")
    scenes = street_scenes("train")
    for name in names or RECIPES:
        load_detector(name, scenes)


if __name__ == "__main__":
    main(sys.argv[1:])

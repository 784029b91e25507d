"""Train what the notebooks share into data/cache: before a class, say.

python -m course_lib.recipes           every detector
python -m course_lib.recipes yolo      this one
"""

import sys

from course_lib.recipes.detectors import main

main(sys.argv[1:])

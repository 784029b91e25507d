"""Every task by its name."""

from course_lib.exercises import (
    detection,
    detection_curves,
    detection_offsets,
    detection_scenes,
)
from course_lib.exercises.task import Hunt, Task

_FILES = (detection, detection_offsets, detection_curves, detection_scenes)
TASKS: dict[str, Task | Hunt] = {task.name: task for file in _FILES for task in file.TASKS}

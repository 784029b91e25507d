"""Every task by its name."""

from course_lib.exercises import (
    contrastive,
    detection,
    detection_curves,
    detection_offsets,
    detection_scenes,
    probes,
    self_supervision,
)
from course_lib.exercises.task import Hunt, Task

_DETECTION = (detection, detection_offsets, detection_curves, detection_scenes)
_FILES = (*_DETECTION, self_supervision, probes, contrastive)
TASKS: dict[str, Task | Hunt] = {task.name: task for file in _FILES for task in file.TASKS}

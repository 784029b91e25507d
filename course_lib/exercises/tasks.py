"""Every task by its name."""

from course_lib.exercises import (
    contrastive,
    detection,
    detection_curves,
    detection_offsets,
    detection_scenes,
    identification,
    probes,
    self_supervision,
    verification,
    verification_thresholds,
)
from course_lib.exercises.task import Hunt, Task

_DETECTION = (detection, detection_offsets, detection_curves, detection_scenes)
_VERIFICATION = (verification, verification_thresholds, identification)
_FILES = (*_DETECTION, self_supervision, probes, contrastive, *_VERIFICATION)
TASKS: dict[str, Task | Hunt] = {task.name: task for file in _FILES for task in file.TASKS}

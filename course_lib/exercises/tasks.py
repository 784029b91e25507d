"""Every task by its name."""

from course_lib.exercises import (
    contrastive,
    detection,
    detection_classes,
    detection_curves,
    detection_offsets,
    detection_scenes,
    identification,
    losses,
    open_digits,
    open_faces,
    probes,
    search,
    self_supervision,
    verification,
    verification_curves,
    verification_thresholds,
)
from course_lib.exercises.contest import Contest
from course_lib.exercises.task import Hunt, Task

_DETECTION = (detection, detection_offsets, detection_curves, detection_scenes)
_VERIFICATION = (verification, verification_thresholds, identification)
_ASSIGNED = (search, losses, detection_classes, verification_curves, open_faces, open_digits)
_FILES = (*_DETECTION, self_supervision, probes, contrastive, *_VERIFICATION, *_ASSIGNED)
TASKS: dict[str, Task | Hunt | Contest] = {
    task.name: task for file in _FILES for task in file.TASKS
}

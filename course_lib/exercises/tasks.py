"""Every task by its name."""

from course_lib.exercises import detection
from course_lib.exercises.task import Hunt, Task

TASKS: dict[str, Task | Hunt] = {task.name: task for room in (detection,) for task in room.TASKS}

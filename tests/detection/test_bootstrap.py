"""The bootstrap's interval: it holds the value, narrows with more photographs, passes over draws without objects."""

import pytest
import torch

from course_lib.detection.average_precision import evaluate_detections
from course_lib.detection.bootstrap import bootstrap_interval


def test_the_interval_holds_the_value_and_narrows_with_more_photographs():
    target = {"boxes": torch.tensor([[0.0, 0.0, 9.0, 9.0]]), "labels": torch.tensor([0])}
    hit = {**target, "scores": torch.tensor([0.9])}
    miss = {
        "boxes": target["boxes"] + 50,
        "labels": target["labels"],
        "scores": torch.tensor([0.8]),
    }
    widths = []
    for times in (5, 50):
        found, targets = [hit, hit, miss] * times, [target] * 3 * times
        value = evaluate_detections(found, targets, kind="voc12")["AP50"]
        low, high = bootstrap_interval(found, targets)
        assert low <= value <= high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2
    assert bootstrap_interval(found, targets) == bootstrap_interval(found, targets)
    nothing = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    low, high = bootstrap_interval([hit, *[miss] * 4], [target, *[nothing] * 4])
    assert 0 <= low <= high <= 1, "draws without an object do not count"
    with pytest.raises(ValueError, match="no object in 4 photographs"):
        bootstrap_interval([miss] * 4, [nothing] * 4)

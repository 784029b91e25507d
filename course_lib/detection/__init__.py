"""Boxes and masks: overlap, anchors, suppression, RoI pooling, losses, matching, average precision (notebook 08)."""

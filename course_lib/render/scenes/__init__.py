"""Drawn street scenes with boxes, masks, keypoints, depth and flow."""

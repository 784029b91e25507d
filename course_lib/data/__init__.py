"""The data sets: one door, the sets behind it, and what holds images and labels."""

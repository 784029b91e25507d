"""Seven detectors, one readable file each; what they share is in `common`."""

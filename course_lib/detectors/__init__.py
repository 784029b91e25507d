"""Seven detectors, one readable file each; what they share: backbone, targets, regions, postprocess."""

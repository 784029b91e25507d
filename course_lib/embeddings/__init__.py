"""Images become vectors: hand-made descriptors, encoders, and the distances between embeddings (notebook 02)."""

"""Finding the nearest vectors: exactly, by hash codes, and how good the results are (notebook 06)."""

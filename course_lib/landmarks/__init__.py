"""Landmark recognition (notebook 14)."""

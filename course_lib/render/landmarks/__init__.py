"""Drawn landmarks and ordinary places."""

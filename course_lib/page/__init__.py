"""What a notebook shows itself with: figures, controls, claims, tables."""

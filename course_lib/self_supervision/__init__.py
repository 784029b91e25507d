"""Learning without labels: contrastive learning, and what its features are worth (L2.02-L2.09, L2.17-L2.19)."""

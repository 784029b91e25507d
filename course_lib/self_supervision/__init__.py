"""Learning without labels: pretext tasks, contrastive learning, and what features are worth (L2.02-L2.09, L2.17-19)."""

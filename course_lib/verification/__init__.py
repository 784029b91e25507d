"""Same person or not: ROC, EER, TAR at FAR, accuracy (notebook 13)."""

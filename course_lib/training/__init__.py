"""How networks are trained: the loop, the batches, the kept weights."""

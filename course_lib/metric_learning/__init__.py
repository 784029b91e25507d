"""Losses that shape the space of embeddings: pairs, triplets, centres, margins (notebooks 03 and 04)."""

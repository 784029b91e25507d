"""Marks what students hand in: their functions run in a cage, only arrays come back, and are judged here."""

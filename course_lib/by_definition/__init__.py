"""Each algorithm in its plain form: word for word as a page defines it, slow, and for right input only."""

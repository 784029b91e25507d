"""Tasks that a page sets, and what is said of a student's answer: right, or the smallest case where it is not."""

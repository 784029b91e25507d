"""What is trained once and shared by notebooks; `python -m course_lib.recipes` trains it."""

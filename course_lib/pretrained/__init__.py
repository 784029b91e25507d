"""Networks trained on real photographs, whose weights come as packages."""

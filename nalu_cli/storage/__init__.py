"""Files that are written whole, and an answer in one of them."""

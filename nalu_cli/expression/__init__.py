"""The formula as a tree: its text, its edits and gradients, and the way to and from a circuit."""

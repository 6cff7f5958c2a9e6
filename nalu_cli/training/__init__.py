"""Stacks of cells trained by Adam on many restarts at once; the home of torch."""

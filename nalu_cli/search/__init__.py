"""Stage 4: the default strategy: stacks trained by variable projection, and where they start."""

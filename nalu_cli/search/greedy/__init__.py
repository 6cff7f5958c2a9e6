"""Strategy: formulas grown by one term or factor at a time."""

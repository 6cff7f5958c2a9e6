"""Strategy: a sum that most rows follow, and one term that only some rows show."""

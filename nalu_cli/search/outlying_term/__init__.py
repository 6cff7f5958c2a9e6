"""The strategy of a sum that most rows follow, plus one term that only some rows show."""

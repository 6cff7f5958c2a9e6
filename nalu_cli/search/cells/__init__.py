"""Strategies that train cells by Adam, polish the stacks in float64 and snap them."""

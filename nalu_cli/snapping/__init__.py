"""From trained numbers to the values that people write."""

"""From trained numbers to the cheapest ones that the rows allow."""

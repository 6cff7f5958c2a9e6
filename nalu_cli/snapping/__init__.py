"""Stage 6: from trained numbers to the cheapest ones that the rows allow."""

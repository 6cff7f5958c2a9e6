"""The search for a formula: strategies, and what they are tried on."""

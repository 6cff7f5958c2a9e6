"""One likelihood, and real constants fitted by it."""

"""Find the arithmetic formula behind a table."""

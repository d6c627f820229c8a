"""`tests/run`: builds everything in its build roots, runs every kind of test, and adds up what passed."""

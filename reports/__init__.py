"""Reports: one versioned type built from a run, and writers that render it and decide nothing."""

"""The trace: what happened, as observations in one journal, and the read-only views that rules and waits look at."""

"""The one room that wires concrete parts together: plan, world, cases, run, outputs."""

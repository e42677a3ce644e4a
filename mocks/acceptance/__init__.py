"""Simulated acceptance system: pure state, the desk that answers by role, and the channels that carry it."""

"""Devices that prove the suites. Nothing in here imports the harness or the simulators."""

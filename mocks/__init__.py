"""The simulated world that a device sees, and the devices that prove the suites."""

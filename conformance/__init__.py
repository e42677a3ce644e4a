"""Conformance harness for remote virtual window devices: protocol, packs, trace, verdicts, drivers, bench, suites."""

"""`python -m conformance`: the same as `rvw`, where no script directory is on the path."""

from conformance.cli import main

main()

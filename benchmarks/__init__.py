"""Where the figures come from: `python -m benchmarks.NAME` prints a table, `--json` the same."""

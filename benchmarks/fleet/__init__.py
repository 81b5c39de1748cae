"""A simulated fleet through rules, detectors and the tickets policy, judged by its hidden truth."""

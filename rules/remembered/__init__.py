"""Windows of operating hours, counts since a service, baselines and peers: what rules remember."""

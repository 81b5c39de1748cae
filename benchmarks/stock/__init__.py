"""Stock simulation on a simulated fleet: the simple rule against the plan at equal fill rate."""

"""What scripts/programs, scripts/demo, scripts/bench and scripts/budget are made of."""

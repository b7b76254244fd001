"""What scripts/programs, scripts/demo and scripts/figures are made of."""

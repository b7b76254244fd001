"""What scripts/bench is made of: allocators and workloads in, ratios, tables and plots out."""

//! Depends on the allocator for its static library; see scripts/harness/bench/peers.py.

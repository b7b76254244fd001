"""The checks and the figures of the embedded crate."""

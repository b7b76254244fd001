"""Platforms: what runs on each, and what docs/PLATFORMS.md says of it."""

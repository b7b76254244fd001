"""Servers that people run, under loads on loopback: what they serve, how fast, and in how much memory."""

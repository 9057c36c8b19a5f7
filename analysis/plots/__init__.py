"""Figures: each function takes data and a matplotlib Axes, draws, and returns the Axes."""

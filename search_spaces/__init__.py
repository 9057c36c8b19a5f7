"""Search spaces, each one file that declares named choices as ``SPACE``; ``nas.spaces`` finds them by name."""

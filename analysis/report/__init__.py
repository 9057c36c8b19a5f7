"""One self-contained HTML page about a run, or several: no network access, no library, opens from disk."""

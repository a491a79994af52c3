"""Plain values that every layer shares: requests, sources, time, errors. Standard library only."""

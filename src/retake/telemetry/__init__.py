"""What operators see: log lines, metrics, traces. Knows no request's content."""

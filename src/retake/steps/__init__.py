"""The steps of one request, in the order of `run`."""

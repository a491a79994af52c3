"""Webhooks over HTTP: asked for with a request or for a whole key, their log, their messages."""

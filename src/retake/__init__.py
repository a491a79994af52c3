"""Re-shoot a few seconds of a video and keep everything else bit for bit."""

__version__ = "0.1.0"

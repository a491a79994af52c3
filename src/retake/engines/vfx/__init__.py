"""The embedded engine: prompt-driven effects, sound and speech on a plain CPU."""

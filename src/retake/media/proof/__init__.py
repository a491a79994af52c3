"""Proving a finished file against its source: packets, pictures, sound and seams."""

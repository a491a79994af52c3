"""Engines: what makes a section anew. They never see files, codecs, URLs or the database."""

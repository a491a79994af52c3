"""Builds every part from the settings; the only package that knows them all.

Imports wait inside the functions: a command loads what it uses and nothing else.
"""

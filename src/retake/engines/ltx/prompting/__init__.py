"""Prompts for a model that draws what it is told of: checked, and said again as a description.

Plain Python; `enhance` alone uses the text encoder.
"""

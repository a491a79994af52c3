"""Memory of the `ltx` engine: what a shot takes, what fits a card, the way down when it does not.

`work`, `sizes`, `estimate`, `configuration` and `ladder` are plain Python and load no torch.
"""

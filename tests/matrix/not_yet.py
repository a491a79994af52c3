"""What the matrix promises and does not hold yet: each row with the reason.

A row listed here has to fail; one that holds has to be taken off the list.
"""

NOT_YET: dict[str, str] = {}

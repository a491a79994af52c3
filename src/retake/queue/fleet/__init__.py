"""Many machines on one database: who works on which request, and what of that everybody hears.

`claims` is what a worker does, `rescue` what anybody does about workers that are gone; both are
plain transactions with a clock that is handed in. `ears` hears what the database tells, `desk` is
the worker's side with its slots, `counter` the API's.
"""

"""The docs that the server gives out at ``/docs``: docs/*.md and the reference, as pages."""

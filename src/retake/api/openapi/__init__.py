"""The OpenAPI 3.1 document of the API: written by hand in YAML beside this file, checked by tests.

The routes take their bodies and parameters apart themselves (docs/decisions/0003-http-api.md), so
there is nothing that a document could be drawn from; it comes first, and the tests hold the routes
to it.
"""

from retake.api.openapi.document import openapi_document

__all__ = ["openapi_document"]

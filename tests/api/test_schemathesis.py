"""Whatever fits the OpenAPI document, and whatever does not, is answered as the document says.

Schemathesis makes the calls from the document itself: good ones, bad ones, verbs that are not told
of, without a key and with a wrong one. `RETAKE_TEST_SCHEMATHESIS=200` makes so many for every
operation instead of the few that the suite has time for.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from retake.api.app import PREFIXES
from retake.api.openapi import openapi_document
from tests.api.live import Live, live

EXAMPLES = int(os.environ.get("RETAKE_TEST_SCHEMATHESIS", "8"))
CHECKS = [
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
]
# A stream of all requests does not end by itself; tests/api/test_events.py reads it.
document = schemathesis.openapi.from_dict(openapi_document(PREFIXES[0])).exclude(
    operation_id="watch_all"
)


@schemathesis.serializer("video/mp4", "application/offset+octet-stream")
def as_it_is(_context: schemathesis.SerializationContext, value: object) -> bytes | None:
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("schemathesis")
    quick = {"hold_s": 0.0, "max_hold_s": 0.05, "dialect_hold_s": 0.05}
    with live(folder, max_body_bytes=64 * 1024, **quick) as running:
        yield running


@document.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_those_of_the_document(case: schemathesis.Case, target: Live) -> None:
    operation = case.operation.definition.raw["operationId"]
    case.call_and_validate(
        base_url=target.url,
        headers={"Authorization": f"Bearer {target.key}"},
        checks=CHECKS,
        excluded_checks=[
            # 504 is what they answer when the result takes longer than they wait.
            *([not_a_server_error] if operation in {"vendor_retake", "fal_run"} else []),
            # tus wants 412 for another version, which is no refusal to schemathesis.
            *([negative_data_rejection] if operation == "upload" else []),
            # Whatever is posted to, below /fal, is the name of an app.
            *([unsupported_method] if operation.startswith("fal_") else []),
        ],
        timeout=20,
    )

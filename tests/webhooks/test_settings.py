"""What the operator sets is what happens, and is seen in the metrics."""

from __future__ import annotations

import pytest

from retake.bootstrap.notify import notifying
from retake.bootstrap.parts import settings
from retake.core.errors import BadRequest
from tests.webhooks.conftest import Telling
from tests.webhooks.receiver import Answer, Receiver, until


def test_retries_are_as_set_and_every_try_is_counted(telling: Telling, receiver: Receiver) -> None:
    chosen = settings(
        data_dir=telling.data_dir.path, webhook_retries_s="1 2", fetch_allow_private=True
    )
    telling.do(telling.notifier.stop())
    telling.notifier = telling.call(lambda: notifying(chosen, telling.parts))
    telling.call(telling.notifier.start)
    receiver.answer = lambda _message: Answer(500)
    request_id = telling.done(webhook=receiver.url)
    for n in range(1, 4):
        delivery = telling.tried(request_id, n)
        for line in (
            f"retake_webhook_messages_waiting {float(n < 3)}",
            f'retake_webhook_tries_total{{taken="no"}} {float(n)}',
        ):
            until(lambda: line in telling.parts.metrics.exposition().decode())  # noqa: B023
        telling.move_on(5)
    assert (delivery["status"], len(delivery["attempts"])) == ("failed", 3)


@pytest.mark.parametrize("text", ["soon", "5,30", "-1", "1.5", " 1", "1 " * 30])
def test_retries_that_are_no_list_of_seconds_are_refused(text: str) -> None:
    with pytest.raises(BadRequest) as caught:
        settings(webhook_retries_s=text)
    assert caught.value.param == "RETAKE_WEBHOOK_RETRIES_S"

"""What a server's engine child does once a request's results are there: naming and sending them."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from retake.core.delivery import PARAM, Delivery
from retake.core.titles import title_from_uri, without_ending

if TYPE_CHECKING:
    from retake.core.watch import Watch
    from retake.steps.fetch import FetchPolicy
    from retake.steps.run import Step
    from retake.storage import Storage


def finish(
    request: dict[str, Any],
    outcome: dict[str, Any],
    storage: Storage,
    policy: FetchPolicy,
    step: Step,
    watch: Watch,
) -> dict[str, Any]:
    """Return a request's outcome with its source's title, and with what became of its deliveries.

    Sending is a recorded step of its own: after a kill it is done again, and nothing else is.

    Args:
        request: What `Record.for_engine` gave.
        outcome: What `outcome_of` gave.
        storage: Where the results are.
        policy: What connections may do.
        step: Records steps.
        watch: A wish to cancel.

    Raises:
        Cancelled: The watch was cancelled.
    """
    outcome = {**outcome, "title": _title(request, storage)}
    if not request.get("puts"):
        return outcome
    from retake.steps.deliver import deliver

    delivery = Delivery.from_dict(request["puts"])
    roles = {put.role for put in delivery.puts} & outcome["files"].keys()

    def work() -> dict[str, Any]:
        with ExitStack() as held:
            files = {
                role: held.enter_context(storage.local(outcome["files"][role])) for role in roles
            }
            return {"delivered": [asdict(one) for one in deliver(delivery, files, policy, watch)]}

    delivered = step("deliver", work)["delivered"]
    failed = [
        f"{PARAM}: the {one['role']} was not delivered: {one['error']}"
        for one in delivered
        if not one["ok"]
    ]
    warnings = [*outcome.get("warnings", []), *failed]
    return {**outcome, "delivered": delivered, "warnings": warnings}


def _title(request: dict[str, Any], storage: Storage) -> str | None:
    """Return what the source is called; None where nobody said."""
    kind, _, where = request["source_ref"].partition(":")
    if kind != "upload":
        return title_from_uri(where)
    folder, _, rest = where.partition("/")
    if folder == "examples":
        return without_ending(rest)
    if folder != "uploads":
        return None
    key_id, _, name = rest.partition("/")
    upload = storage.uploads(0, time.time).find(key_id, name.partition(".")[0])
    return without_ending(upload.file_name) if upload else None

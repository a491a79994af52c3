"""Splicing several sections of one stream of pictures: one after the other, each by itself.

Every section is planned and encoded from the source's own packets and frames. Where what one of
them touches reaches into what the next one does, the two are spliced as one, with the source's
frames between them as pads; so nothing is ever encoded twice. What came of each is then put into
one stream, in which every place that none of them touched holds the source's own packet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

import av

from retake.media.pictures.encode import Encoded
from retake.media.pictures.spans import Plan
from retake.media.pictures.splice import splice
from retake.media.pictures.spliced import Spliced
from retake.media.pictures.task import Task


def splice_several(tasks: Sequence[Task]) -> Spliced:
    """Splice the sections of one stream.

    Args:
        tasks: The same stream and spool with one section each, ascending, none in another; at
            least one.

    Raises:
        Unspliceable: This stream cannot be spliced; the text says why.
        RenderFailed: The encoder failed.
        Cancelled: The watch was cancelled.
    """
    if len(tasks) == 1:
        return splice(tasks[0])
    done: list[tuple[Task, Spliced]] = []
    for number, each in enumerate(tasks):
        task = replace(each, watch=each.watch.part(number, len(tasks)))
        one = _spliced(task, done)
        while done and _end(done[-1][1]) > _start(one):
            before, _ = done.pop()
            task = _as_one(before, task)
            one = _spliced(task, done)
        done.append((task, one))
    return _composed([one for _, one in done])


def in_one(tasks: Sequence[Task]) -> Task:
    """Return one task for all sections, for pictures that are encoded anew as a whole."""
    task = tasks[0]
    for each in tasks[1:]:
        task = _as_one(task, each)
    return task


def _spliced(task: Task, done: Sequence[tuple[Task, Spliced]]) -> Spliced:
    """Splice a task so that one decoder configuration fits it and what was spliced before."""
    config = done[-1][1].config if done else None
    return splice(task if config is None else replace(task, configured=config))


def _as_one(before: Task, after: Task) -> Task:
    def take() -> Iterator[av.VideoFrame]:
        return chain(before.take(), after.take())

    frames = (*before.further, after.section, *after.further)
    return replace(after, section=before.section, further=frames, take=take)


def _composed(parts: Sequence[Spliced]) -> Spliced:
    packets = parts[0].packets
    order: list[int | Encoded] = list(range(len(packets)))
    for part in parts:
        order[_start(part) : _end(part)] = part.order[_start(part) : _end(part)]
    plans = [part.plan for part in parts]
    plan = Plan(
        count=len(packets),
        cut=min(plan.cut for plan in plans),
        resume=max(plan.resume for plan in plans),
        region=tuple(sorted(chain.from_iterable(plan.region for plan in plans))),
        section=frozenset(chain.from_iterable(plan.section for plan in plans)),
        pads=tuple(chain.from_iterable(plan.pads for plan in plans)),
        late=tuple(chain.from_iterable(plan.late for plan in plans)),
    )
    return Spliced(
        packets,
        plan,
        tuple(order),
        # Each holds what those before it need.
        parts[-1].config,
        exact_pads=all(part.exact_pads for part in parts),
        parts=tuple((_start(part), _end(part)) for part in parts),
    )


def _start(one: Spliced) -> int:
    return one.touched[0] if one.touched else len(one.packets)


def _end(one: Spliced) -> int:
    return one.touched[1] if one.touched else 0

"""The plan of a smart render, for any order of packets that a video can have."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from retake.media.packets import PacketInfo
from retake.media.pictures.spans import Plan, plan_full, plan_smart


@st.composite
def streams(draw: st.DrawFn) -> list[PacketInfo]:
    """Draw a stream of closed or open GOPs with B-frames and any distance between frames."""
    order: list[tuple[int, bool, bool]] = []
    shown = 0
    for _ in range(draw(st.integers(1, 4))):
        clean = not order or draw(st.booleans())
        leading = 0 if clean else draw(st.integers(0, 2))
        # An open GOP's keyframe is shown after the pictures that follow it and lead it.
        order.append((shown + leading, True, clean))
        order += [(shown + at, False, False) for at in range(leading)]
        shown += leading + 1
        for _ in range(draw(st.integers(0, 4))):
            between = draw(st.integers(0, 3))
            order.append((shown + between, False, False))
            order += [(shown + at, False, False) for at in range(between)]
            shown += between + 1
    steps = draw(st.lists(st.integers(1, 3), min_size=shown, max_size=shown))
    times = list(accumulate(steps, initial=draw(st.integers(-5, 5))))
    return [
        PacketInfo(times[rank], at - 9, 1, key, clean, hidden=False, size=1, pos=at)
        for at, (rank, key, clean) in enumerate(order)
    ]


@st.composite
def sections(draw: st.DrawFn) -> tuple[list[PacketInfo], list[int]]:
    packets = draw(streams())
    times = sorted(packet.pts for packet in packets)
    first = draw(st.integers(0, len(times) - 1))
    last = draw(st.integers(first + 1, len(times)))
    return packets, times[first:last]


def assert_whole(plan: Plan, packets: list[PacketInfo], section: list[int]) -> None:
    """Check that every packet is copied or encoded, and every encoded frame has a source."""
    region = [p.pts for p in packets[plan.cut : plan.resume]]
    assert list(plan.region) == sorted(region)
    assert set(section) <= set(region)
    pads = [pts for span in plan.pads for pts in span.pts]
    assert sorted(pads + section) == list(plan.region)
    assert plan.copied == len(packets) - len(region)


@given(sections())
def test_what_is_copied_never_leans_on_what_is_not(drawn: tuple[list[PacketInfo], list[int]]):
    packets, section = drawn
    plan = plan_smart(packets, section)
    assert_whole(plan, packets, section)
    head, run, tail = packets[: plan.cut], plan.region, packets[plan.resume :]
    # Shown one after the other: the copied head, the encoded run, the copied tail.
    assert max((p.pts for p in head), default=run[0] - 1) < run[0]
    assert min((p.pts for p in tail), default=run[-1] + 1) > run[-1]
    assert not tail or tail[0].clean


@given(sections())
def test_no_more_is_encoded_than_has_to_be(drawn: tuple[list[PacketInfo], list[int]]):
    packets, section = drawn
    plan = plan_smart(packets, section)
    for cut in range(plan.cut + 1, len(packets)):
        head, rest = packets[:cut], packets[cut:]
        assert max(p.pts for p in head) > min(p.pts for p in rest) or any(
            p.pts >= section[0] for p in head
        )
    for resume in range(plan.cut, plan.resume):
        tail = packets[resume:]
        fits = tail[0].clean and min(p.pts for p in tail) > section[-1]
        assert not fits or max(p.pts for p in packets[:resume]) > min(p.pts for p in tail)


@given(sections())
def test_a_pad_is_decoded_from_a_clean_packet_shown_no_later(
    drawn: tuple[list[PacketInfo], list[int]],
):
    packets, section = drawn
    for plan in (plan_smart(packets, section), plan_full(packets, section)):
        assert_whole(plan, packets, section)
        for span in plan.pads:
            fed = {p.pts for p in packets[span.first : span.last]}
            assert set(span.pts) <= fed
            assert packets[span.first].clean or span.first == 0
            assert span.first == 0 or packets[span.first].pts <= span.pts[0]


@given(sections())
def test_a_full_plan_copies_nothing(drawn: tuple[list[PacketInfo], list[int]]):
    packets, section = drawn
    assert plan_full(packets, section).copied == 0


@st.composite
def led_streams(draw: st.DrawFn) -> tuple[list[PacketInfo], list[int], dict[int, bool]]:
    """Draw GOPs as HEVC has them: all begin clean, led by pictures that lean on others or not."""
    order: list[tuple[int, bool]] = []
    leading: dict[int, bool] = {}
    shown = 0
    for _ in range(draw(st.integers(1, 4))):
        leans = draw(st.lists(st.booleans(), max_size=3 if order else 0))
        order.append((shown + len(leans), True))
        for rank, lean in enumerate(leans):
            leading[len(order)] = lean
            order.append((shown + rank, False))
        shown += len(leans) + 1
        for _ in range(draw(st.integers(0, 3))):
            between = draw(st.integers(0, 2))
            order.append((shown + between, False))
            order += [(shown + at, False) for at in range(between)]
            shown += between + 1
    ranks = sorted(rank for rank, _ in order)
    assert ranks == list(range(shown))
    packets = [
        PacketInfo(rank, at - 9, 1, clean, clean, hidden=False, size=1, pos=at)
        for at, (rank, clean) in enumerate(order)
    ]
    first = draw(st.integers(0, shown - 1))
    last = draw(st.integers(first + 1, shown))
    return packets, list(range(first, last)), leading


@given(led_streams())
def test_pictures_that_lead_a_keyframe_go_with_what_they_lean_on(
    drawn: tuple[list[PacketInfo], list[int], dict[int, bool]],
) -> None:
    packets, section, leading = drawn
    plan = plan_smart(packets, section, leading)
    tail = [packets[at] for at in plan.tail]
    region = [packets[at].pts for at in (*range(plan.cut, plan.resume), *plan.late)]
    assert list(plan.region) == sorted(region)
    assert plan.cut + len(plan.region) + len(tail) == plan.count == len(packets)
    shown = [pts for span in plan.pads for pts in span.pts]
    assert sorted(shown + section) == list(plan.region)
    # Shown one after the other, whatever was moved.
    head = [p.pts for p in packets[: plan.cut]]
    assert sorted(head) + list(plan.region) + sorted(p.pts for p in tail) == list(
        range(len(packets))
    )
    if tail:
        assert tail[0].clean
        # Nothing that leans on the old pictures stays right behind the new ones.
        leads = [at for at in plan.tail if packets[at].pts < tail[0].pts]
        assert not any(leading[at] for at in leads)


@given(led_streams())
def test_copying_goes_on_at_the_first_keyframe_behind_the_section(
    drawn: tuple[list[PacketInfo], list[int], dict[int, bool]],
) -> None:
    packets, section, leading = drawn
    plan = plan_smart(packets, section, leading)
    first = next(
        (at for at, p in enumerate(packets) if p.clean and p.pts > section[-1]), len(packets)
    )
    assert plan.resume == first
    # No picture is encoded again that leads the keyframe without leaning on anything gone.
    needless = [at for at in plan.late if not leading[at]]
    together = (
        [at for at in leading if packets[at].pts < packets[plan.resume].pts] if needless else []
    )
    assert not needless or any(
        leading[at] or packets[at].pts <= section[-1] for at in together if at > plan.resume
    )

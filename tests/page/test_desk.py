"""Choosing the section, the key, the keyboard, small screens: what needs no engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Server, choose, field

pytestmark = pytest.mark.browser


def test_the_handles_obey_the_arrow_keys_and_keep_two_seconds_between_them(desk: Page):
    start = desk.get_by_role("slider", name="Section start")
    end = desk.get_by_role("slider", name="Section end")
    assert (field(desk, "Start"), field(desk, "End")) == (0, 4)
    for _ in range(25):
        start.press("ArrowRight")
    assert field(desk, "Start") == 2
    expect(start).to_have_attribute("aria-valuetext", "2 seconds")
    expect(start).to_have_attribute("aria-valuemax", "2")
    end.press("Shift+ArrowLeft")
    assert field(desk, "End") == 4
    start.press("Home")
    end.press("Control+ArrowLeft")
    assert field(desk, "Length") == 3.99


def test_dragging_a_handle_moves_it_and_shows_its_frame(desk: Page):
    handle = desk.get_by_role("slider", name="Section start")
    track = desk.locator(".track").bounding_box()
    box = handle.bounding_box()
    assert track and box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    desk.mouse.move(x, y)
    desk.mouse.down()
    desk.mouse.move(x + track["width"] / 8, y, steps=4)
    desk.mouse.move(x + track["width"] / 4, y, steps=4)
    desk.mouse.up()
    assert field(desk, "Start") == pytest.approx(1, abs=0.02)
    desk.wait_for_function("() => Math.abs(document.querySelector('video').currentTime - 1) < 0.02")


def test_the_bar_above_moves_the_whole_section(desk: Page):
    desk.get_by_label("Length").fill("2")
    desk.get_by_label("Length").press("Enter")
    bar = desk.locator(".section-bar").bounding_box()
    track = desk.locator(".track").bounding_box()
    assert bar and track
    x, y = bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2
    desk.mouse.move(x, y)
    desk.mouse.down()
    desk.mouse.move(x + track["width"] / 4, y, steps=5)
    desk.mouse.up()
    assert field(desk, "Start") == pytest.approx(1, abs=0.02)
    assert field(desk, "Length") == 2


@pytest.mark.parametrize(
    ("typed", "start"), [("1.5", 1.5), ("0:01.250", 1.25), ("1,5", 1.5), ("99", 2), ("soon", 0)]
)
def test_typed_times_are_taken_where_they_make_sense(desk: Page, typed: str, start: float):
    desk.get_by_label("Length").fill("2")
    desk.get_by_label("Length").press("Enter")
    desk.get_by_label("Start", exact=True).fill(typed)
    desk.get_by_label("Start", exact=True).press("Enter")
    assert (field(desk, "Start"), field(desk, "Length")) == (start, 2)


def test_the_section_plays_round_and_round(desk: Page):
    desk.get_by_label("Length").fill("2")
    desk.get_by_label("Length").press("Enter")
    desk.evaluate(
        """() => {
          const video = document.querySelector('video');
          window.furthest = 0; window.rounds = 0;
          video.addEventListener('seeked', () => window.rounds++);
          setInterval(() => window.furthest = Math.max(window.furthest, video.currentTime), 10);
        }"""
    )
    desk.get_by_role("slider", name="Playhead").press("Space")
    desk.wait_for_function("() => window.rounds >= 1 && window.furthest > 1.9")
    assert desk.evaluate("() => window.furthest") < 2.2
    desk.get_by_role("slider", name="Playhead").press("Space")
    expect(desk.get_by_role("button", name="Play", exact=True)).to_be_visible()


def test_the_timeline_shows_the_clips_own_pictures(desk: Page):
    # The clip's lowest fifth is black and white bars of each frame's number.
    colours = """() => {
      const canvas = document.querySelector('.track canvas');
      const paint = canvas.getContext('2d');
      const { data } = paint.getImageData(0, 50, canvas.width, 30);
      const seen = new Set();
      for (let at = 0; at < data.length; at += 4)
        seen.add([data[at] >> 4, data[at + 1] >> 4, data[at + 2] >> 4].join());
      return seen.size;
    }"""
    desk.wait_for_function(f"() => ({colours})() > 25")


def test_without_a_key_the_page_asks_for_one_and_then_goes_on(
    open_page, server: Server, clip: Path
):
    page = open_page("/")
    expect(page.get_by_text("No key")).to_be_visible()
    page.get_by_label("API key", exact=True).fill("rt_wrong")
    page.get_by_role("button", name="Use", exact=True).click()
    expect(page.get_by_text("Key rejected")).to_be_visible()
    choose(page, clip)
    expect(page.get_by_role("button", name="Retake the section")).to_be_disabled()
    page.get_by_label("API key", exact=True).fill(server.key)
    page.get_by_role("button", name="Use", exact=True).click()
    expect(page.get_by_role("button", name="Retake the section")).to_be_enabled()
    page.reload()
    expect(page.get_by_text("No key")).to_be_hidden()


def test_a_key_in_the_address_is_taken_out_of_it(open_page, server: Server):
    page = open_page()
    expect(page.get_by_text(f"…{server.key[-4:]}")).to_be_visible()
    assert page.url == f"{server.base}/"


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1440])
def test_nothing_hangs_over_the_edge_of_any_screen(open_page, clip: Path, width: int):
    page = open_page(viewport={"width": width, "height": 800})
    over = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(over) == 0
    choose(page, clip)
    assert page.evaluate(over) == 0
    button = page.get_by_role("button", name="Retake the section").element_handle()
    # The rows around it settle once the font and the clip's pictures are there.
    page.wait_for_function("b => b.getBoundingClientRect().bottom <= innerHeight", arg=button)


def test_every_control_has_a_name(desk: Page):
    nameless = desk.evaluate(
        """() => [...document.querySelectorAll('button, input, textarea, a, [role=slider]')]
          .filter(one => !(one.ariaLabel || one.innerText || one.textContent.trim()
            || one.labels?.length || one.title))
          .map(one => one.outerHTML)"""
    )
    assert nameless == []


def test_all_of_it_is_reached_with_the_tab_key(desk: Page):
    focused = """() => {
      const one = document.activeElement;
      return one.ariaLabel || one.innerText || one.name || '';
    }"""
    reached: set[str] = set()
    for _ in range(40):
        desk.keyboard.press("Tab")
        reached.add(desk.evaluate(focused))
    wanted = {"Section start", "Section end", "Playhead", "Explosion", "mode"}
    assert wanted <= reached
    assert any("Retake the section" in name for name in reached)


def test_who_asks_for_calm_gets_no_motion(open_page):
    page = open_page("/", reduced_motion="reduce")
    page.get_by_role("heading", level=1).wait_for()
    assert page.evaluate("() => document.getAnimations().length") == 0

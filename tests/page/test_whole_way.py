"""From a file to the retake beside its source, in a real browser, by a real server and engine."""

from __future__ import annotations

import re
from pathlib import Path

import av
import pytest
from playwright.sync_api import Page, Route, expect

from tests.page.chromium import screenshot_folder
from tests.page.conftest import Server, choose, field

pytestmark = pytest.mark.browser
RUN_MS = 150_000
BOTH_PLAY = """() => {
  const [source, retake] = document.querySelectorAll('video');
  return !source.paused && !retake.paused && retake.currentTime > 1.2
    && Math.abs(source.currentTime - retake.currentTime) < 0.25;
}"""
AT_THE_SAME_PLACE = """() => {
  const [source, retake] = document.querySelectorAll('video');
  return source.paused && retake.paused && !source.seeking && !retake.seeking
    && Math.abs(source.currentTime - retake.currentTime) < 0.001;
}"""


def run(page: Page, chip: str = "Rain") -> None:
    page.get_by_role("button", name=chip).click()
    page.get_by_role("button", name="Retake the section").click()


def accepted(page: Page) -> None:
    page.wait_for_function("() => location.hash.startsWith('#request=')")


def shoot(page: Page, name: str) -> None:
    folder = screenshot_folder()
    if folder is not None:
        page.screenshot(path=folder / f"{name}.png")


@pytest.mark.slow
def test_a_clip_goes_in_and_comes_back_retaken(desk: Page, clip: Path, tmp_path: Path):
    desk.get_by_role("slider", name="Section start").press("Home")
    desk.get_by_role("slider", name="Section start").press("Shift+ArrowRight")
    desk.get_by_role("slider", name="Section end").press("End")
    desk.get_by_role("slider", name="Section end").press("Shift+ArrowLeft")
    assert (field(desk, "Start"), field(desk, "End"), field(desk, "Length")) == (1, 3, 2)
    run(desk)
    expect(desk.get_by_role("button", name="Cancel")).to_be_visible()
    expect(desk.get_by_role("listitem").filter(has_text="Shoot the section")).to_be_visible()
    expect(desk).to_have_title(re.compile(r"\d+ % · retake"), timeout=RUN_MS)
    shoot(desk, "run")
    expect(desk.get_by_role("heading", name="The section is re-shot")).to_be_visible(timeout=RUN_MS)
    expect(
        desk.get_by_text(re.compile(r"\d+ of \d+ packets untouched; 48 frames made anew"))
    ).to_be_visible()

    desk.get_by_role("button", name="Play", exact=True).click()
    desk.wait_for_function(BOTH_PLAY)
    desk.get_by_role("button", name="Pause").click()
    desk.wait_for_function(AT_THE_SAME_PLACE)
    shoot(desk, "result")

    with desk.expect_download() as download:
        desk.get_by_role("link", name="Download").click()
    assert re.fullmatch(r"retake-\w+-video\.mp4", download.value.suggested_filename)
    saved = tmp_path / "saved.mp4"
    download.value.save_as(saved)
    with av.open(saved) as got, av.open(clip) as source:
        assert sum(1 for _ in got.decode(video=0)) == sum(1 for _ in source.decode(video=0))


@pytest.mark.slow
def test_the_retake_is_compared_by_wipe_and_by_ear(desk: Page):
    run(desk)
    desk.get_by_role("link", name="Download").wait_for(timeout=RUN_MS)
    heard = "() => [...document.querySelectorAll('video')].map(video => !video.muted)"
    assert desk.evaluate(heard) == [False, True]
    desk.get_by_role("radiogroup", name="Hear").get_by_label("Source").check()
    assert desk.evaluate(heard) == [True, False]
    desk.get_by_label("Wipe", exact=True).check()
    wipe = desk.get_by_role("slider", name="Wipe")
    wipe.press("Shift+ArrowLeft")
    expect(wipe).to_have_attribute("aria-valuenow", "40")
    desk.get_by_role("radiogroup", name="View").get_by_label("Retake").check()
    expect(desk.get_by_label("The source")).to_be_hidden()
    expect(desk.get_by_label("The retake")).to_be_visible()


@pytest.mark.slow
def test_one_of_several_takes_is_chosen(desk: Page):
    desk.get_by_label("Picture only").check()
    desk.get_by_role("radiogroup", name="How many takes are made").get_by_label("2").check()
    expect(desk.get_by_text("Makes 2 results to choose from")).to_be_visible()
    shoot(desk, "takes-form")
    run(desk, "Fog")
    choice = desk.get_by_role("radiogroup", name="Which take is seen")
    expect(choice.get_by_label("Take 1")).to_be_checked(timeout=RUN_MS)
    seen = "() => document.querySelectorAll('video')[1].currentSrc"
    report = desk.get_by_label("What was kept")
    first = desk.evaluate(seen)
    with desk.expect_response(re.compile("report-2.json")):
        choice.get_by_label("Take 2").check()
    desk.wait_for_function(f"first => ({seen})() !== first", arg=first)
    assert "video-2.mp4" in desk.evaluate(seen)
    expect(report).to_be_visible()
    desk.wait_for_function(
        "() => [...document.querySelectorAll('video')].every(v => v.readyState > 1)"
    )
    shoot(desk, "takes-result")
    with desk.expect_download() as download:
        desk.get_by_role("link", name="Download").click()
    assert re.fullmatch(r"retake-\w+-video-2\.mp4", download.value.suggested_filename)
    with desk.expect_download() as section:
        desk.get_by_role("link", name="The section alone").click()
    assert section.value.suggested_filename.endswith(".mp4")


@pytest.mark.slow
def test_a_page_loaded_anew_finds_its_request_again(desk: Page, server: Server):
    run(desk, "Snow")
    accepted(desk)
    desk.reload()
    expect(desk.get_by_role("heading", name="The section is re-shot")).to_be_visible(timeout=RUN_MS)
    assert desk.get_by_text("Snow falls softly").is_visible()
    desk.wait_for_function(
        "() => [...document.querySelectorAll('video')].every(v => v.readyState > 1)"
    )
    desk.get_by_role("link", name="retake, start page").click()
    earlier = desk.get_by_role("button", name=re.compile("Snow falls softly.*done"))
    earlier.click()
    expect(desk.get_by_role("link", name="Download")).to_be_visible()


@pytest.mark.slow
def test_a_running_request_is_cancelled_and_the_form_is_as_before(desk: Page):
    run(desk, "Explosion")
    accepted(desk)
    desk.get_by_role("button", name="Cancel").click()
    expect(desk.get_by_text("Cancelled. Nothing was changed.")).to_be_visible()
    expect(desk.get_by_label("What should happen in it")).to_have_value(re.compile("explosion"))
    expect(desk.get_by_role("button", name="Retake the section")).to_be_enabled()


@pytest.mark.slow
def test_a_lost_connection_is_told_and_the_watch_goes_on(desk: Page):
    run(desk, "Explosion")
    accepted(desk)
    desk.context.set_offline(True)
    lost = desk.get_by_text("No connection. The work goes on; this page keeps asking.")
    expect(lost).to_be_visible()
    desk.context.set_offline(False)
    expect(lost).to_be_hidden()
    # It may have ended meanwhile, which shows as well that the page went on asking.
    expect(desk.get_by_role("button", name=re.compile("Cancel|Edit again"))).to_be_visible()


@pytest.mark.slow
@pytest.mark.parametrize("kept_back", ["/events$", "/requests/[0-9a-f]{32}$"])
def test_a_request_is_followed_by_its_events_or_without_them(desk: Page, kept_back: str):
    asked: list[str] = []

    def keep_back(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    desk.route(re.compile(kept_back), keep_back)
    run(desk, "Snow")
    accepted(desk)
    desk.get_by_role("button", name="Cancel").click()
    expect(desk.get_by_text("Cancelled. Nothing was changed.")).to_be_visible()
    # Events come: there is no need to ask for the status.
    assert bool(asked) == (kept_back == "/events$")


def test_the_servers_own_sentence_is_shown_when_it_refuses(desk: Page, clip: Path):
    # The page would not offer so short a section; whoever has an old page gets the answer in words.
    desk.route(
        "**/requests",
        lambda route: route.continue_(
            post_data=(route.request.post_data or "").replace('"duration":4', '"duration":1')
        ),
    )
    run(desk)
    expect(desk.get_by_role("alert")).to_contain_text("duration is 1 s; at least 2 s is accepted")
    expect(desk.get_by_label("Length")).to_have_attribute("aria-invalid", "true")


def test_a_file_that_is_no_video_is_told_apart(open_page, tmp_path: Path):
    page = open_page()
    fake = tmp_path / "not-a-video.mp4"
    fake.write_bytes(b"nothing of the kind" * 400)
    page.set_input_files("input[type=file]", fake)
    expect(page.get_by_text("This browser cannot show the clip.")).to_be_visible()
    page.get_by_role("button", name="Retake the section").click()
    expect(page.get_by_role("alert")).to_contain_text("video", timeout=30_000)


def test_the_clip_plays_before_its_upload_has_ended(open_page, clip: Path):
    page = open_page()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/files/uploads/**", hold)
    choose(page, clip)
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("() => document.querySelector('video').currentTime > 0.3")
    page.get_by_role("button", name="Retake the section").click()
    expect(page.get_by_text("Uploading the clip first")).to_be_visible()
    held[0].continue_()
    expect(page.get_by_role("listitem").filter(has_text="Shoot the section")).to_be_visible()
    accepted(page)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled. Nothing was changed.")).to_be_visible()

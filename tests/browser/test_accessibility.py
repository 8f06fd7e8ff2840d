"""The pages for those who see, point, read or print differently.

axe-core is the judge of WCAG 2.1 A and AA and of its own best practices, on every page, light and dark, wide
and narrow, with everything that is folded away unfolded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sentiment_retrain.cards.paths import DAG_ID

from .kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from .world import World

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    "resultTypes": ["violations"],
}
SCREENS = [("light", 1440), ("dark", 1440), ("light", 390), ("dark", 390)]
#: Smallest letters on a page, in CSS pixels.
LEAST_LETTERS = 10.0

_UNFOLD = "for (const one of document.querySelectorAll('details')) one.open = true"
_LETTERS = """[...document.querySelectorAll("svg text")].map(one =>
  Math.hypot(one.getScreenCTM().a, one.getScreenCTM().b) * parseFloat(getComputedStyle(one).fontSize))"""
_SPILLS = """[...document.querySelectorAll("section, header .panel, dl.figures > div")]
  .filter(one => one.scrollWidth > one.clientWidth + 1).length"""
_MOVES = """[...document.querySelectorAll("*")].map(one => getComputedStyle(one))
  .filter(style => style.transitionDuration !== "0s" || style.animationName !== "none").length"""
_FOCUSED = """() => {
  const one = document.activeElement, box = one.getBoundingClientRect(), style = getComputedStyle(one);
  return {name: one.textContent.trim(), tag: one.tagName, ring: parseFloat(style.outlineWidth),
          seen: box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.left >= 0,
          place: [...document.querySelectorAll("*")].indexOf(one)};
}"""
_REACHABLE = """[...document.querySelectorAll("a[href], button, summary")]
  .filter(one => one.tabIndex >= 0 && one.checkVisibility()).length"""


@pytest.fixture
def addresses(world: World, run_id: str) -> dict[str, str]:
    """Path by name of every page and of every state of it that looks different."""
    pages = f"/sentiment-retrain/dags/{DAG_ID}"
    return {
        "timeline": world.page("timeline"),
        "timeline, sorted": f"{world.page('timeline')}?only=live&order=score",
        "timeline without runs": "/sentiment-retrain/dags/another_dag/timeline",
        "card": world.page("card", run_id),
        **{f"card, {name}": world.page("card", name) for name in KINDS},
        "comparison": f"{world.page('compare', run_id)}?with=gate-failed",
        "reviews": world.page("reviews", run_id),
        "runbook": f"{pages}/runbook/sr-gate-001",
        "job": world.page(f"jobs/Endpoint/{world.put_endpoint('ours', 'retrain:run')}", run_id),
        "nothing": f"{pages}/runs/never_was/card",
    }


@pytest.fixture(params=SCREENS, ids=lambda one: "-".join(map(str, one)))
def screen(request: pytest.FixtureRequest, open_page: Callable[..., Page]) -> Page:
    scheme, width = request.param
    return open_page(
        "/sentiment-retrain/nothing", viewport={"width": width, "height": 844}, color_scheme=scheme
    )


def judge(page: Page) -> list[str]:
    """What axe-core objects to."""
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate(_UNFOLD)
    found: dict[str, Any] = Axe().run(page, options=AXE).response
    return [f"{one['id']}: {node['html'][:160]}" for one in found["violations"] for node in one["nodes"]]


def test_axe_has_nothing_to_object_to(screen: Page, world: World, addresses: dict[str, str]) -> None:
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    is_phone = screen.evaluate("innerWidth") == 390
    objections: dict[str, list[str]] = {}
    for name, path in addresses.items():
        # What the kinds of runs have of their own are words and colours, which have no width.
        if name.startswith("card, ") and not is_phone:
            continue
        screen.goto(world.url + path)
        if found := judge(screen):
            objections[name] = found
    assert objections == {}


def test_axe_would_see_a_fault(world: World, open_page: Callable[..., Page]) -> None:
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    page = open_page(world.page("timeline"))
    page.evaluate("document.querySelector('h1').style.color = '#ddd'; document.documentElement.lang = ''")
    assert {found.split(":")[0] for found in judge(page)} == {"color-contrast", "html-has-lang"}


@pytest.mark.parametrize("width", [1024, 768, 641, 640, 320])
def test_narrow_and_zoomed_pages_scroll_in_one_direction_only(
    world: World, addresses: dict[str, str], open_page: Callable[..., Page], width: int
) -> None:
    page = open_page("/sentiment-retrain/nothing", viewport={"width": width, "height": 512})
    wide = {}
    for name, path in addresses.items():
        page.goto(world.url + path)
        page.evaluate(_UNFOLD)
        if (found := page.evaluate("document.documentElement.scrollWidth")) > width or page.evaluate(_SPILLS):
            wide[name] = found
    assert wide == {}


@pytest.mark.parametrize("name", ["card", "reviews"])
@pytest.mark.parametrize("width", [390, 1440])
def test_letters_of_drawings_can_be_read(
    world: World, addresses: dict[str, str], open_page: Callable[..., Page], name: str, width: int
) -> None:
    page = open_page(addresses[name], viewport={"width": width, "height": 844})
    sizes = page.evaluate(_LETTERS)
    assert len(sizes) > 20
    assert min(sizes) >= LEAST_LETTERS
    assert max(sizes) < 24


@pytest.mark.parametrize("name", ["timeline", "card", "card, waits"])
def test_everything_is_reached_by_keyboard_in_the_order_of_reading(
    world: World, addresses: dict[str, str], open_page: Callable[..., Page], name: str
) -> None:
    page = open_page(addresses[name])
    expected = page.evaluate(_REACHABLE)
    stops: list[dict[str, Any]] = []
    for _ in range(expected):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(_FOCUSED))
    assert [stop["place"] for stop in stops] == sorted({stop["place"] for stop in stops})
    assert [stop["name"] for stop in stops if not stop["seen"] or stop["ring"] < 2] == []
    assert stops[0]["name"] == "To the content"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "BODY"


def test_the_first_stop_skips_the_menu(world: World, run_id: str, open_page: Callable[..., Page]) -> None:
    page = open_page(world.page("card", run_id))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.tagName") == "MAIN"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


@pytest.mark.parametrize("kind", ["gate-failed", "waits", "alarm"])
def test_the_first_screen_of_a_phone_says_what_happened_what_is_live_and_what_to_do(
    world: World, addresses: dict[str, str], open_page: Callable[..., Page], kind: str
) -> None:
    page = open_page(addresses[f"card, {kind}"], viewport={"width": 390, "height": 844})
    todo = {
        "gate-failed": "What to do",
        "waits": "Approve or reject",
        "alarm": "What to do",
    }[kind]
    for what in (page.locator("h1"), page.locator("#live"), page.get_by_text(todo, exact=True)):
        box = what.bounding_box()
        assert box is not None
        assert box["y"] + min(box["height"], 60) <= 844, what


def test_nothing_moves_and_nothing_is_loaded(
    world: World, addresses: dict[str, str], open_page: Callable[..., Page]
) -> None:
    page = open_page("/sentiment-retrain/nothing", reduced_motion="no-preference")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in addresses.values():
        asked.clear()
        page.goto(world.url + path, wait_until="load")
        assert asked == [world.url + path]
        assert page.evaluate("document.getAnimations().length") == 0
        assert page.evaluate(_MOVES) == 0


def test_a_printed_card_is_dark_on_white_without_what_cannot_be_pressed(
    world: World, run_id: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(world.page("card", run_id), color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(20, 32, 43)"
    assert [one.is_visible() for one in page.locator("nav, .actions, button").all()].count(True) == 0
    assert page.locator("#gates").is_visible()


def test_a_command_is_copied(world: World, run_id: str, open_page: Callable[..., Page]) -> None:
    page = open_page(world.page("card", run_id), permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy: make rollback", exact=True).click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "make rollback"

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import UTC, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from django_hooks.whos_online.plot import HEIGHT, WIDTH, draw
from session_store.presence import STEP, STEPS, Moment

#: A day at 10:05 UTC, on a boundary of nothing.
NOW = 1_764_065_100_000

SVG = "{http://www.w3.org/2000/svg}"


def moments(*counts: tuple[int, int]) -> list[Moment]:
    """The last steps, up to the present one."""
    first = NOW // STEP - len(counts) + 1
    return [Moment((first + i) * STEP, members, guests) for i, (members, guests) in enumerate(counts)]


def parse(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own


def text_of(svg: str, tag: str) -> list[str]:
    return [element.text or "" for element in parse(svg).iter(SVG + tag)]


def test_a_plot_of_nothing_is_a_plot(settings):
    svg = draw(NOW, [], UTC)
    assert text_of(svg, "desc") == ["Nobody was."]
    assert text_of(svg, "text") == ["1", "0", "12:00", "18:00", "00:00", "06:00"]


def test_it_says_in_words_what_it_shows():
    svg = draw(NOW, moments((1, 2), (30, 12), (2, 5)), UTC)
    root = parse(svg)
    assert root.get("role") == "img"
    assert root.get("aria-labelledby").split() == [root[0].get("id"), root[1].get("id")]
    assert text_of(svg, "title") == ["Who was online in the last 24 hours"]
    assert text_of(svg, "desc") == ["At most 42, at 09:50. 7 now."]


def test_hours_are_those_of_the_reader():
    svg = draw(NOW, moments((1, 0)), timezone(timedelta(hours=-5)))
    assert text_of(svg, "desc") == ["At most 1, at 05:00. 1 now."]
    assert text_of(svg, "text")[2:] == ["06:00", "12:00", "18:00", "00:00"]


def test_the_axis_ends_at_a_round_number():
    for most, top in (
        (1, "1"),
        (3, "3"),
        (42, "50"),
        (50, "50"),
        (51, "60"),
        (81, "100"),
        (999, "1000"),
        (123_456, "200000"),
    ):
        assert text_of(draw(NOW, moments((0, most)), UTC), "text")[0] == top


def test_what_is_older_than_a_day_is_not_shown():
    old = [Moment((NOW // STEP - STEPS) * STEP, 99, 99)]
    assert text_of(draw(NOW, old, UTC), "desc") == ["Nobody was."]


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), max_size=STEPS))
def test_it_is_small_and_stays_within_its_frame(counts):
    svg = draw(NOW, moments(*counts), UTC)
    assert len(svg) < 10_000
    for path in parse(svg).iter(SVG + "path"):
        numbers = re.findall(r"([HV])([\d.-]+)", path.get("d"))
        assert all(0 <= float(value) <= (WIDTH if axis == "H" else HEIGHT) for axis, value in numbers)


def test_it_takes_its_colour_from_the_page():
    svg = draw(NOW, moments((1, 1)), UTC)
    colours = {value for element in parse(svg).iter() for name, value in element.items() if name in {"fill", "stroke"}}
    assert colours <= {"currentColor", "none"}

"""Charts say what the figures say: lengths, places, tooltips."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from vanallen.sw.report.charts import gate_chart, layer_chart, seed_chart, utilization_chart, waffle
from vanallen.sw.report.svg import scale, tag, ticks

from .conftest import bench, synthesis

LAYER = {"name": "conv1", "op": "QLinearConv", "where": "chip", "why": "", "macs": 100, "cycles": 400,
         "ideal_cycles": 100, "model_cycles": 400, "bound": "multiply", "utilization": 0.25}  # fmt: skip


def parsed(chart):
    return ElementTree.fromstring(chart)


def widths(chart, kind):
    return [float(rect.get("width")) for rect in parsed(chart).iter("rect") if rect.get("class") == kind]


def test_bars_of_layers_are_in_proportion():
    longer = LAYER | {"name": "conv2", "cycles": 800, "ideal_cycles": 800}
    on_host = LAYER | {"name": "pool", "where": "host", "cycles": None}
    chart = layer_chart([LAYER, on_host, longer])
    (short, full), (ideal, whole) = widths(chart, "rest"), widths(chart, "ideal")
    assert short == pytest.approx(full / 2) and ideal == pytest.approx(full / 8) and whole == pytest.approx(full)
    titles = [title.text for title in parsed(chart).iter("title")]
    assert titles[0] == "conv1: 400 cycles, ideal 100, cycle model 400, bound by multiply" and len(titles) == 2


def test_names_are_escaped_and_shortened():
    chart = layer_chart([LAYER | {"name": "<script>" + "x" * 40}])
    assert "<script>" not in chart
    texts = [text.text for text in parsed(chart).iter("text")]
    assert texts[-2].startswith("<script>x") and len(texts[-2]) == 34
    assert tag("text", "a & b", x=1.25, text_anchor="end", class_='"') == (
        '<text x="1.25" text-anchor="end" class="&#34;">a &amp; b</text>'
    )


def test_seeds_below_the_target_are_bad():
    chart = parsed(seed_chart(synthesis()))
    dots = [(float(dot.get("cx")), dot.get("class")) for dot in chart.iter("circle")]
    assert [kind for _, kind in dots] == ["bad", "good", "good", "good"]
    assert [x for x, _ in dots] == sorted(x for x, _ in dots)
    (target,) = (float(line.get("x1")) for line in chart.iter("line") if line.get("class") == "target")
    assert dots[0][0] < target < dots[1][0]


def test_one_seed_that_is_the_target_has_a_chart():
    chart = parsed(seed_chart(synthesis(fmax=(100.0,) * 3)))
    assert len(list(chart.iter("circle"))) == 3


def test_utilization_is_the_length_of_the_bar():
    chart = utilization_chart([bench("nano", utilization=0.5), bench("cubesat", utilization=1.0)])
    half, whole = widths(chart, "ideal")
    assert half == pytest.approx(whole / 2, abs=0.01)


def test_a_square_for_each():
    chart = parsed(waffle("points", 64, ["round.tie", "a<b"]))
    kinds = [rect.get("class") for rect in chart.iter("rect")]
    assert kinds == ["good"] * 64 + ["bad"] * 2
    assert [title.text for title in chart.iter("title")] == ["round.tie", "a<b"]
    places = {(rect.get("x"), rect.get("y")) for rect in chart.iter("rect")}
    assert len(places) == 66
    assert chart.get("viewBox") == "0 0 360 36"


def test_gates_are_in_proportion():
    areas = [{"config": name, "protection": "full", "gates": gates} for name, gates in (("a", 100), ("b", 400))]
    small, large = widths(gate_chart(areas), "ideal")
    assert small == pytest.approx(large / 4)


@pytest.mark.parametrize(("low", "high"), [(0, 2661), (98.1, 110.9), (0, 0.3), (0, 7e6), (50, 51)])
def test_ticks_are_round_and_inside(low, high):
    values = ticks(low, high)
    assert 2 <= len(values) <= 7 and low <= values[0] and values[-1] <= high * (1 + 1e-9)
    steps = {f"{b - a:.6g}" for a, b in pairwise(values)}
    assert len(steps) == 1 and re.fullmatch(r"0*\.?0*[125]0*(e\+\d+)?", steps.pop())


def test_scale_is_linear():
    place = scale(10, 20, 100, 200)
    assert [place(10), place(15), place(20)] == [100, 150, 200]

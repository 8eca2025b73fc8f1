#!/usr/bin/env python3
"""Draws docs/selection/*.svg from what the example `simulate` finds out.

    docs/selection/plots.py                        # on the made-up internet
    docs/selection/plots.py --matrix FILE.csv.gz   # on measured latencies; may be repeated

Each file gives NAME-loss.svg, NAME-depth.svg and NAME-cost.svg, NAME being the file's up to its
first `_` or `.`. Needs cargo and nothing else but Python 3.
"""

import argparse
import json
import math
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
COMMAND = ["cargo", "run", "--quiet", "--profile", "quick", "--example", "simulate", "--", "--json"]

LOSSES = [0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2]
SHAPES = ["flat", "16x16", "8x8x4", "4x4x4x4"]

# What each line is, and its class in STYLE.
NAMES = {"best": "ours", "levels": "ours, every level", "first": "plain race", "floor": "floor"}

# By class: in light, in dark.
COLOURS = {
    "text": ("fill", "#24292f", "#d1d7e0"),
    ".paper, circle": ("fill", "#ffffff", "#151b23"),
    ".grid": ("stroke", "#d0d7de", "#3d444d"),
    ".best": ("stroke", "#0969da", "#58a6ff"),
    ".levels": ("stroke", "#1a7f37", "#3fb950"),
    ".first": ("stroke", "#cf5a00", "#f0883e"),
    ".floor": ("stroke", "#7d8590", "#9198a1"),
}
LIGHT, DARK = (
    " ".join(f"{what} {{ {colour[0]}: {colour[which]}; }}" for what, colour in COLOURS.items())
    for which in (1, 2)
)
STYLE = f"""
  svg {{ font: 12px system-ui, sans-serif; }} .title {{ font-weight: 600; font-size: 13px; }}
  polyline {{ fill: none; stroke-width: 2.25; stroke-linejoin: round; stroke-linecap: round; }}
  .dashed {{ stroke-dasharray: 2 5; stroke-width: 1.75; }} circle {{ stroke-width: 2; }}
  {LIGHT}
  @media (prefers-color-scheme: dark) {{ {DARK} }}
"""


class Scale:
    """A vertical axis, linear from 0 or logarithmic."""

    def __init__(self, values, log, top=None):
        values = [v for v in values if v is not None and (v > 0 or not log)]
        high = top or max(values, default=1)
        self.log = log
        if log:
            low = 10 ** math.floor(math.log10(min(values, default=0.1)))
            steps = [low * m * 10**i for i in range(9) for m in (1, 3)]
            above = next(i for i, tick in enumerate(steps) if tick >= high)
            self.ticks = steps[: above + 1]
            if len(self.ticks) > 2 and self.ticks[1] <= min(values, default=0):
                del self.ticks[0]
        else:
            step = 10 ** math.floor(math.log10(high / 2))
            step *= next(m for m in (1, 2, 5, 10) if high / (m * step) <= 5)
            self.ticks = [step * i for i in range(math.ceil(high / step - 1e-9) + 1)]

    def share(self, value):
        of = math.log10 if self.log else float
        low, high = of(self.ticks[0]), of(self.ticks[-1])
        return (of(value) - low) / (high - low)


def panel(left, title, ticks, xlabel, lines, log=False, top=None):
    """One chart. A line: class, values by x, whether dashed."""
    x0, y0, width, height = left + 52, 64, 250, 190
    xs = [x for x, _ in ticks]
    across = lambda x: x0 + width * (x - xs[0]) / (xs[-1] - xs[0])
    scale = Scale([v for _, values, _ in lines for v in values], log, top)
    up = lambda v: y0 + height * (1 - scale.share(v))
    out = [f'<text class="title" x="{left + 8}" y="{y0 - 16}">{title}</text>']
    for tick in scale.ticks:
        y = up(tick)
        out.append(f'<line class="grid" x1="{x0}" x2="{x0 + width}" y1="{y:.1f}" y2="{y:.1f}"/>')
        label = f"{tick:.10g}"
        out.append(f'<text x="{x0 - 8}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    for x, label in ticks:
        text = f'x="{across(x):.1f}" y="{y0 + height + 18}" text-anchor="middle"'
        out.append(f"<text {text}>{label}</text>")
    text = f'x="{x0 + width / 2}" y="{y0 + height + 38}" text-anchor="middle"'
    out.append(f"<text {text}>{xlabel}</text>")
    for name, values, dashed in reversed(lines):  # ours on top
        drawn = [(x, v) for x, v in zip(xs, values) if v is not None and (v > 0 or not log)]
        known = [(across(x), up(v)) for x, v in drawn]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in known)
        out.append(f'<polyline class="{name}{" dashed" * dashed}" points="{points}"/>')
        if not dashed:
            out += [f'<circle class="{name}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in known]
    return "\n".join(out)


def figure(path, names, note, panels):
    """A file: a legend above charts side by side."""
    width = 24 + 316 * len(panels)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 306" width="{width}">',
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{width}" height="306" rx="6"/>',
    ]
    x = 16
    for name in names:
        out.append(f'<polyline class="{name}" points="{x},20 {x + 22},20"/>')
        out.append(f'<text x="{x + 28}" y="24">{NAMES[name]}</text>')
        x += 50 + 7 * len(NAMES[name])
    out.append(f'<text x="{width - 12}" y="24" text-anchor="end">{note}</text>')
    out += [panel(316 * i, *arguments) for i, arguments in enumerate(panels)]
    path.write_text("\n".join(out) + "\n</svg>\n")
    print(path.name)


def simulate(*options):
    run = subprocess.run(COMMAND + [str(o) for o in options], stdout=subprocess.PIPE, check=True)
    return json.loads(run.stdout)


def of(documents, key, part=None):
    values = [d[key][part] if part else d[key] for d in documents]
    return [None if v is None else float(v) for v in values]


def draw(name, common, leaves, small):
    """The figures of one internet; one that is small has not the hosts for that over depth."""
    every = ["best", "first", "floor"]
    runs = [simulate("--compare", "--leaves", leaves, "--loss", loss, *common) for loss in LOSSES]
    by = {strategy: [run[strategy] for run in runs] for strategy in every}
    ticks = [(loss, "" if loss == 0.01 else f"{100 * loss:g}") for loss in LOSSES]
    lines = lambda key, part=None: [(s, of(by[s], key, part), False) for s in every]
    over = (ticks, "loss each way, %")
    figure(HERE / f"{name}-loss.svg", every, name, [
        ("mean regret, ms", *over, lines("regret_ms", "mean"), True),
        ("p99 regret, ms", *over, lines("regret_ms", "p99"), True),
        ("answered, %", *over, lines("answered_pct"), False, 100),
    ])
    spread = lambda part, dashed: [(s, of(by[s], "time_ms", part), dashed) for s in every]
    figure(HERE / f"{name}-cost.svg", every, name, [
        ("time, ms: p50; dotted p99", *over, spread("p50", False) + spread("p99", True), True),
        ("datagrams", *over, lines("datagrams", "mean")),
        ("mean time over the bound", *over, lines("bound_ratio")),
    ])
    if small:
        return
    ways = {"best": [], "levels": ["--flatten", "off"], "first": ["--strategy", "first"],
            "floor": ["--strategy", "floor"]}
    common = ["--leaves", 256, "--loss", 0.05, *common]
    deep = {way: [simulate(*common, "--shape", shape, *options) for shape in SHAPES]
            for way, options in ways.items()}
    lines = lambda key, part: [(way, of(deep[way], key, part), False) for way in ways]
    over = (list(enumerate(SHAPES)), "256 leaves, loss 5 % each way")
    figure(HERE / f"{name}-depth.svg", list(ways), name, [
        ("mean regret, ms", *over, lines("regret_ms", "mean"), True),
        ("p99 regret, ms", *over, lines("regret_ms", "p99"), True),
        ("time p50, ms", *over, lines("time_ms", "p50")),
    ])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--matrix", action="append", default=[], metavar="FILE")
    parser.add_argument("--snapshots", metavar="HOSTS,MS", help="of the files given")
    parser.add_argument("--leaves", type=int, default=64, help="of the figures over loss")
    parser.add_argument("--trees", type=int, default=40)
    parser.add_argument("--sessions", type=int, default=200, help="descents in each tree")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    common = ["--trees", args.trees, "--sessions", args.sessions, "--seed", args.seed]
    for matrix in args.matrix or [None]:
        given = ["--matrix", matrix] if matrix else []
        if args.snapshots:
            given += ["--snapshots", args.snapshots]
        name = re.split("[_.]", pathlib.Path(matrix).name)[0] if matrix else "synthetic"
        probe = ["--leaves", "256", "--trees", "1", "--sessions", "1"]
        small = subprocess.run(COMMAND + probe + given, capture_output=True).returncode != 0
        draw(name, [*common, *given], args.leaves, small)


if __name__ == "__main__":
    sys.exit(main())

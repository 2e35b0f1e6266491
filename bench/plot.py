# SPDX-License-Identifier: LGPL-2.1-or-later
"""The results as a picture, drawn by gnuplot."""

import subprocess

from results import NotMeasured

COLOURS = ["#8c8c8c", "#d08c3c", "#7fb3d5", "#1f77b4", "#8fce8f", "#2a8a4a"]

HEAD = """\
set terminal svg size 960,{height} dynamic enhanced font 'sans-serif,13' \
background rgb 'white'
set output '{path}'
set multiplot layout {count},1 title '{title}' noenhanced
set key outside right top noenhanced
set xtics noenhanced
set grid ytics lc rgb '#dddddd'
set border 3
set tics nomirror
set style fill solid 0.9 border -1
"""


def quoted(text):
    return "'" + str(text).replace("'", "’").replace("\n", " ") + "'"


def median(row, column):
    return row["cells"].get(column, {}).get("median")


def rows_with_figures(comparison):
    return [row for row in comparison["rows"].values()
            if any(median(row, column["key"]) is not None
                   for column in comparison["columns"])]


def block(name, lines):
    return [f"${name} << EOD", *lines, "EOD"]


def bars(comparison, name):
    """A group of bars for each column, one bar for each row."""
    rows = rows_with_figures(comparison)
    if not rows:
        return []
    lines = []
    for column in comparison["columns"]:
        figures = [median(row, column["key"]) for row in rows]
        lines.append(" ".join([f'"{column["heading"]}"'] + [
            "NaN" if value is None else f"{value:.6g}" for value in figures]))
    plots = [f"${name} using {i + 2}:xtic(1) lc rgb "
             f"'{COLOURS[i % len(COLOURS)]}' title {quoted(row['label'])}"
             for i, row in enumerate(rows)]
    return block(name, lines) + [
        f"set title {quoted(comparison['title'])} noenhanced",
        f"set ylabel {quoted(comparison['columns'][0]['unit'])}",
        "set style data histogram", "set style histogram clustered gap 1",
        "set logscale y", "unset logscale x", "set xtics auto",
        "set xlabel ''", "plot " + ", ".join(plots)]


def curves(comparison, name):
    """A curve for each row, over the bytes of the columns' images."""
    rows = rows_with_figures(comparison)
    if not rows:
        return []
    lines = []
    for column in comparison["columns"]:
        width, height = map(int, column["key"].split("x"))
        figures = [median(row, column["key"]) for row in rows]
        lines.append(" ".join([str(3 * width * height)] + [
            "NaN" if value is None else f"{value:.6g}" for value in figures]))
    plots = [f"${name} using 1:{i + 2} with linespoints pt 7 ps 0.6 lw 2 "
             f"lc rgb '{COLOURS[i % len(COLOURS)]}' "
             f"title {quoted(row['label'])}" for i, row in enumerate(rows)]
    return block(name, lines) + [
        f"set title {quoted(comparison['title'])} noenhanced",
        f"set ylabel {quoted(comparison['columns'][0]['unit'])}",
        "set xlabel 'bytes of an image'", "set logscale xy",
        "set format x '%.0s %cB'",
        "plot " + ", ".join(plots)]


#: What is worth a picture, and how.
SHAPES = {"throughput": bars, "latency": bars, "handover": curves}


def draw(results, path):
    parts = [SHAPES[comparison["name"]](comparison, comparison["name"])
             for comparison in results["comparisons"]
             if comparison["name"] in SHAPES]
    parts = [part for part in parts if part]
    if not parts:
        raise NotMeasured("nothing that could be plotted was measured")
    script = HEAD.format(path=path, count=len(parts),
                         height=60 + 320 * len(parts),
                         title=results["machine"]["processor"])
    script += "\n".join(line for part in parts for line in part) + "\n"
    try:
        done = subprocess.run(["gnuplot"], input=script, text=True,
                              capture_output=True, timeout=60)
    except FileNotFoundError:
        raise NotMeasured("gnuplot is not installed") from None
    if done.returncode:
        raise RuntimeError(f"gnuplot: {done.stderr.strip()}")

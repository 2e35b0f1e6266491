# SPDX-License-Identifier: LGPL-2.1-or-later
"""What was measured: tables of cells, each with a value for every round."""

import statistics


class NotMeasured(Exception):
    """A figure can't be had here; says why."""


class Cell:
    """One figure, measured once in each round."""

    def __init__(self):
        self.values = []
        self.reason = None

    def add(self, value):
        self.values.append(value)

    def refuse(self, reason):
        self.reason = str(reason)
        self.values.append(None)

    def measured(self):
        return [value for value in self.values if value is not None]

    def as_json(self):
        if not self.measured():
            return {"not_measured": self.reason or "no round was run"}
        return dict(spread(self.measured()), rounds=self.values)


def spread(values):
    return {"median": statistics.median(values), "min": min(values),
            "max": max(values)}


def percentile(values, percent):
    """The value that so many percent do not exceed."""
    ordered = sorted(values)
    place = -(-len(ordered) * percent // 100)
    return ordered[max(int(place), 1) - 1]


def ratios(cell, base):
    """Of each round in which both were measured, cell by base."""
    return [value / other for value, other in zip(cell.values, base.values)
            if value is not None and other]


class Mark:
    """What a figure, or one divided by another, is meant to reach.

    Figures are named by (row, column) of the comparison.
    """

    def __init__(self, text, figure, limit, base=None, at_least=False,
                 times=1):
        self.text = text
        self.figure = figure
        self.base = base
        self.limit = limit
        self.at_least = at_least
        self.times = times

    def judge(self, table):
        cell = table.cell(*self.figure)
        values = cell.measured()
        reason = cell.reason
        if self.base:
            base = table.cell(*self.base)
            values = ratios(cell, base)
            reason = reason or base.reason
        limit = f"{'at least' if self.at_least else 'at most'} {self.limit}"
        answer = {"text": self.text, "limit": limit}
        if not values:
            return dict(answer, not_measured=reason or "no round was run")
        answer.update(spread(values))
        reached = answer["median"]
        met = reached >= self.limit if self.at_least else reached <= self.limit
        return dict(answer, met=met)


class Table:
    """One comparison: rows are the peers, columns what is measured of them.

    columns: (key, heading, unit) each. baseline: the row that others are
    divided by, in columns whose key is in `compared`.
    """

    def __init__(self, name, title, rows, columns, baseline=None,
                 compared=(), marks=()):
        self.name = name
        self.title = title
        self.rows = rows
        self.columns = columns
        self.baseline = baseline
        self.compared = compared
        self.marks = marks
        self.cells = {}

    def cell(self, row, column):
        return self.cells.setdefault((row, column), Cell())

    def add(self, row, values):
        for column, value in values.items():
            self.cell(row, column).add(value)

    def refuse(self, row, columns, reason):
        for column in columns:
            self.cell(row, column).refuse(reason)

    def as_json(self):
        rows = {}
        for row, label in self.rows:
            cells = {}
            for column, _, unit in self.columns:
                if (row, column) in self.cells:
                    cells[column] = dict(self.cell(row, column).as_json(),
                                         unit=unit)
                    self.add_ratio(cells[column], row, column)
            rows[row] = {"label": label, "cells": cells}
        return {"name": self.name, "title": self.title, "rows": rows,
                "columns": [{"key": key, "heading": heading, "unit": unit}
                            for key, heading, unit in self.columns],
                "marks": [mark.judge(self) for mark in self.marks]}

    def add_ratio(self, entry, row, column):
        if column not in self.compared or row == self.baseline:
            return
        found = ratios(self.cell(row, column),
                       self.cell(self.baseline, column))
        if found:
            entry["ratio"] = dict(spread(found), of=self.baseline)

"""Predicts each value by an exponential moving average of those before it."""

import math


def describe():
    return {
        "name": "moving-average",
        "dataset": "none",
        "params": {
            "rows": {"type": "integer", "default": 2000, "minimum": 1, "description": "rows in the stream"},
            "weight": {"type": "number", "default": 0.2, "minimum": 0, "maximum": 1, "description": "of the newest value"},
        },
        "metrics": {
            "mae": {
                "unit": "",
                "direction": "lower_is_better",
                "kind": "deterministic",
                "description": "mean absolute error of the predictions",
            }
        },
        "accuracy": "mae",
    }


class Workload:
    def __init__(self, context):
        self.rows = context["params"]["rows"]
        self.weight = context["params"]["weight"]
        self.seen = 0
        self.mean = 0.0
        self.error = 0.0

    def step(self, rows, train):
        if self.seen == self.rows:
            return None
        rows = min(rows, self.rows - self.seen)
        for row in range(self.seen, self.seen + rows):
            value = math.sin(row / 10)
            self.error += abs(value - self.mean)
            if train:
                self.mean += self.weight * (value - self.mean)
        self.seen += rows
        return {"rows": rows}

    def finish(self):
        return {"metrics": {"mae": self.error / self.seen}}

"""scikit-learn's SGDRegressor on the events of the `nba2k` preset, learned from as they come.

The features are those of the preset in the built-in pipeline, made by hand. Each row is predicted before it is learned; batches are `batch_size` rows, as there.
"""

import csv
import math

import numpy as np
from sklearn.linear_model import SGDRegressor
from sklearn.preprocessing import StandardScaler

# Room for the one-hot columns.
ONE_HOT = 64
DENSE = 15


def describe():
    return {
        "name": "sklearn-sgd",
        "dataset": "required",
        "params": {
            "learning_rate": {"type": "number", "default": 0.05, "minimum": 0, "description": "eta0 of SGDRegressor"}
        },
        "metrics": {
            "r2": {
                "unit": "",
                "direction": "higher_is_better",
                "kind": "deterministic",
                "signed": True,
                "description": "R2 of predictions made before their rows were learned",
            }
        },
        "accuracy": "r2",
    }


def year_and_month(text):
    month, _, year = text.split("/")
    return (2000 if int(year) < 50 else 1900) + int(year), int(month)


class Features:
    def __init__(self):
        self.one_hot = {}

    def fill(self, x, row):
        season = 2000 + int(row["version"].rsplit("NBA2k", 1)[1])
        year, month = year_and_month(row["b_day"])
        metres = float(row["height"].rsplit(" / ", 1)[1])
        kilos = float(row["weight"].rsplit(" / ", 1)[1].split()[0])
        draft = float(row["draft_year"])
        pick = 0.0 if row["draft_peak"] == "Undrafted" else float(row["draft_peak"])
        rating = float(row["rating"])
        above, experience = rating - 75, season - draft
        rookie = float(1 <= pick <= 30 and experience <= 4)
        log_pick = math.log1p(61 if pick == 0 else pick)
        x[:DENSE] = (
            rating,
            season - year,
            experience,
            kilos / (metres * metres),
            month,
            draft // 10 * 10,
            above**2,
            above**3,
            experience**2,
            rookie,
            above * experience,
            above * rookie,
            log_pick,
            log_pick * rookie,
            experience * rookie,
        )
        country = "USA" if row["country"] == "USA" else "Not-USA"
        for value in (row["team"] or "No Team", row["position"], country, row["draft_round"]):
            index = self.one_hot.setdefault(value, len(self.one_hot))
            if index < ONE_HOT:
                x[DENSE + index] = 1


class Workload:
    def __init__(self, context):
        self.file = open(context["dataset"]["path"], newline="")
        self.rows = csv.DictReader(self.file)
        self.left = context["dataset"]["rows"]
        self.batch = context["settings"]["batch_size"]
        self.features = Features()
        self.model = SGDRegressor(eta0=context["params"]["learning_rate"], random_state=context["settings"]["random_seed"])
        self.scaler, self.targets = StandardScaler(), StandardScaler()
        self.x = np.zeros((self.batch, DENSE + ONE_HOT))
        self.y = np.zeros(self.batch)
        self.waiting = 0
        self.learned = 0
        self.scores = np.zeros(4)  # rows, sum and sum of squares of the target, squared error

    def step(self, rows, train):
        rows = min(rows, self.left)
        if rows == 0:
            return None
        for _ in range(rows):
            row = next(self.rows)
            self.x[self.waiting] = 0
            self.features.fill(self.x[self.waiting], row)
            self.y[self.waiting] = float(row["salary"][1:])
            self.waiting += 1
            if self.waiting == self.batch:
                self.handle(train)
        self.left -= rows
        return {"rows": rows}

    def handle(self, train):
        x, y = self.x[: self.waiting].copy(), self.y[: self.waiting]
        dense = x[:, :DENSE].copy()
        if self.learned:
            x[:, :DENSE] = self.scaler.transform(dense)
            scaled = self.model.predict(x)
            predicted = self.targets.inverse_transform(scaled[:, None])[:, 0]
            # In millions, so that squares keep their digits.
            target, error = y / 1e6, (y - predicted) / 1e6
            self.scores += len(y), target.sum(), target @ target, error @ error
        if train:
            x[:, :DENSE] = self.scaler.partial_fit(dense).transform(dense)
            self.model.partial_fit(x, self.targets.partial_fit(y[:, None]).transform(y[:, None])[:, 0])
            self.learned += len(y)
        self.waiting = 0

    def finish(self):
        if self.waiting:
            self.handle(False)
        rows, total, squares, error = self.scores
        return {
            "metrics": {"r2": None if rows == 0 else 1 - error / (squares - total * total / rows)},
            "info": {"learned": self.learned, "scored": int(rows)},
        }

    def close(self):
        self.file.close()

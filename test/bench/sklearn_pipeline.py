"""The NBA 2K pipeline in pandas and scikit-learn, tuned: the stack that `pipeline.mjs` compares with.

Reads the CSV in chunks with only the columns it needs; parses repeated text once a distinct value;
vectorised features; then by batch: predict, score, update the scaler, learn. The features are those of the `nba2k`
preset. One-hot columns are dense, which was faster here than sparse ones.

scikit-learn has no ridge that learns in parts: `ridge` keeps X'X and X'y in NumPy and solves once a batch.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python3 sklearn_pipeline.py CSV {sgd|ridge} CHUNK BATCH ROWS

Prints one JSON object: rows, seconds and CPU seconds (imports apart), r2, rss_mb.
"""

import json
import resource
import sys
import time

import numpy as np
import pandas as pd
import sklearn
from sklearn.linear_model import SGDRegressor
from sklearn.preprocessing import StandardScaler

TEXT = ["team", "position", "b_day", "height", "weight", "country", "draft_round", "draft_peak", "version"]
COLUMNS = ["rating", "salary", "draft_year", *TEXT]
# Room for the one-hot columns.
ONE_HOT = 64


def by_value(column, function, dtype=np.float64):
    """Applies a function once a distinct value."""
    values = np.array([function(value) for value in column.cat.categories], dtype=dtype)
    return values[column.cat.codes.to_numpy()]


class OneHot:
    def __init__(self):
        self.known = {}

    def index(self, column, name, spell=lambda value: value, missing=None):
        if missing is not None and column.isna().any():
            column = column.cat.add_categories(missing).fillna(missing)
        return by_value(column, lambda value: self.known.setdefault((name, spell(value)), len(self.known)), np.int64)


def after(text, mark):
    return text.rsplit(mark, 1)[1]


def features(frame, one_hot):
    salary = frame["salary"].str.slice(1).to_numpy().astype(np.float64)
    rating = frame["rating"].to_numpy(np.float64)
    draft_year = frame["draft_year"].to_numpy(np.float64)
    season = by_value(frame["version"], lambda value: 2000.0 + float(after(value, "NBA2k")))
    birth = by_value(
        frame["b_day"],
        lambda value: (int(value[6:]) + (2000 if int(value[6:]) < 50 else 1900)) * 12 + int(value[:2]) - 1,
    )
    metres = by_value(frame["height"], lambda value: float(after(value, " / ")))
    kilos = by_value(frame["weight"], lambda value: float(after(value, " / ").split()[0]))
    pick = by_value(frame["draft_peak"], lambda value: 0.0 if value == "Undrafted" else float(value))
    year = np.floor(birth / 12)
    experience = season - draft_year
    above = rating - 75
    rookie = ((pick >= 1) & (pick <= 30) & (experience <= 4)).astype(np.float64)
    log_pick = np.log1p(np.where(pick == 0, 61, pick))
    squared = above * above
    dense = [
        rating,
        season - year,
        experience,
        kilos / (metres * metres),
        birth - 12 * year + 1,
        np.floor(draft_year / 10) * 10,
        squared,
        above * squared,
        experience * experience,
        rookie,
        above * experience,
        above * rookie,
        log_pick,
        log_pick * rookie,
        experience * rookie,
    ]
    x = np.zeros((len(frame), len(dense) + ONE_HOT))
    for i, column in enumerate(dense):
        x[:, i] = column
    rows = np.arange(len(frame))
    for index in (
        one_hot.index(frame["team"], "team", missing="No Team"),
        one_hot.index(frame["position"], "position"),
        one_hot.index(frame["country"], "country", lambda value: value if value == "USA" else "Not-USA"),
        one_hot.index(frame["draft_round"], "draft_round", lambda value: "0" if value == "Undrafted" else value),
    ):
        x[rows, len(dense) + index] = 1
    return x, salary, len(dense)


class Sgd:
    """SGDRegressor behind running standardisation of the dense features and of the target."""

    def __init__(self):
        self.model = SGDRegressor(eta0=0.05)
        self.scaler = StandardScaler()
        self.targets = StandardScaler()

    def scaled(self, x, width):
        out = x.copy()
        out[:, :width] = (x[:, :width] - self.scaler.mean_) / self.scaler.scale_
        return out

    def predict(self, x, width):
        prediction = self.scaled(x, width) @ self.model.coef_ + self.model.intercept_
        return prediction * self.targets.scale_[0] + self.targets.mean_[0]

    def learn(self, x, y, width):
        self.scaler.partial_fit(x[:, :width])
        self.targets.partial_fit(y[:, None])
        self.model.partial_fit(self.scaled(x, width), (y - self.targets.mean_[0]) / self.targets.scale_[0])


class Ridge:
    """Ridge on running sums, the dense features standardised by them; penalty 5."""

    def __init__(self):
        self.rows = 0

    def predict(self, x, width):
        return (x - self.shift) @ self.weights + self.offset

    def learn(self, x, y, width):
        if self.rows == 0:
            self.shift = x.mean(axis=0)
            self.shift[width:] = 0
            self.sums = np.zeros(x.shape[1])
            self.squares = np.zeros((x.shape[1], x.shape[1]))
            self.products = np.zeros(x.shape[1])
            self.total = 0.0
        centred = x - self.shift
        self.rows += len(x)
        self.sums += centred.sum(axis=0)
        self.squares += centred.T @ centred
        self.products += centred.T @ y
        self.total += y.sum()
        mean, target = self.sums / self.rows, self.total / self.rows
        covariance = self.squares - self.rows * np.outer(mean, mean)
        penalty = np.full(x.shape[1], 5.0)
        penalty[:width] *= np.diag(covariance)[:width] / self.rows
        penalty[penalty == 0] = 5.0
        self.weights = np.linalg.solve(covariance + np.diag(penalty), self.products - self.rows * mean * target)
        self.offset = target - mean @ self.weights


class Score:
    """Running R2 by sums about the first target."""

    def __init__(self):
        self.n = self.sum = self.squared = self.error = self.absolute = 0.0
        self.first = None

    def add(self, y, prediction):
        if self.first is None:
            self.first = y[0]
        moved, error = y - self.first, y - prediction
        self.n += len(y)
        self.sum += moved.sum()
        self.squared += moved @ moved
        self.error += error @ error
        self.absolute += np.abs(error).sum()

    def r2(self):
        return 1 - self.error / (self.squared - self.sum * self.sum / self.n)


def main():
    path, learner = sys.argv[1:3]
    chunk, batch, rows = (int(text) for text in sys.argv[3:6])
    sklearn.set_config(assume_finite=True)
    model = {"sgd": Sgd, "ridge": Ridge}[learner]()
    scores = [Score(), Score(), Score()]
    one_hot = OneHot()
    targets, last = [0.0, 0.0], 0.0
    done = 0
    started, used = time.perf_counter(), time.process_time()
    dtype = {**{name: "category" for name in TEXT}, "rating": np.float64, "draft_year": np.float64}
    for frame in pd.read_csv(path, usecols=COLUMNS, dtype=dtype, chunksize=chunk, nrows=rows):
        x, y, width = features(frame, one_hot)
        for start in range(0, len(y), batch):
            xs, ys = x[start : start + batch], y[start : start + batch]
            # As there, what comes before the first update is not scored.
            if targets[0]:
                scores[0].add(ys, model.predict(xs, width))
                scores[1].add(ys, np.full(len(ys), targets[1] / targets[0]))
                scores[2].add(ys, np.full(len(ys), last))
            model.learn(xs, ys, width)
            targets[0] += len(ys)
            targets[1] += ys.sum()
            last = ys[-1]
        done += len(y)
    seconds, cpu = time.perf_counter() - started, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows": done, "seconds": seconds, "cpu_s": cpu, "r2": scores[0].r2(), "rss_mb": peak}))


main()

"""Scores scikit-learn's plain linear model on a CSV of features, prequentially; one JSON line on standard output.

Usage: python3 sklearn_quality.py FEATURES.csv BATCH_ROWS TASK, TASK being regression or classification.

The file is what the pipeline wrote with features_to: numbers, categories, the target last. Every batch is predicted by
what was learned from those before it, then learned: by a refit on all rows so far, and by partial_fit. Numbers are
standardised by the rows so far, and categories are one-hot columns.
"""
import csv
import json
import sys
import time
import warnings

import numpy as np
from scipy import sparse
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier, SGDRegressor
from sklearn.metrics import accuracy_score, r2_score
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")
path, size, task = sys.argv[1], int(sys.argv[2]), sys.argv[3]
labels = task == "classification"

with open(path, newline="") as file:
    header, *rows = csv.reader(file)
columns = list(zip(*rows))


def is_number(values):
    try:
        return all(np.isfinite(float(value)) for value in values if value != "")
    except ValueError:
        return False


numbers = [column for column in columns[:-1] if is_number(column)]
categories = [column for column in columns[:-1] if not is_number(column)]
dense = np.array([[float(v) if v != "" else np.nan for v in column] for column in numbers]).T
dense = dense.reshape(len(rows), len(numbers))
y = np.array(columns[-1]) if labels else np.array([float(value) for value in columns[-1]])

# A column for each value of a category; those not met yet are 0 in all rows so far and cost nothing.
hot = []
for column in categories:
    values = np.array(column)
    hot += [values == value for value in dict.fromkeys(column) if value != ""]
hot = sparse.csr_matrix(np.array(hot).T, dtype=float) if hot else None
classes = np.unique(y) if labels else None


def prepared(scaler, start, end):
    standard = scaler.transform(dense[start:end]) if dense.shape[1] else dense[start:end]
    standard = np.nan_to_num(standard)
    return standard if hot is None else sparse.hstack([standard, hot[start:end]], format="csr")


def prequential(model, refit):
    predicted = []
    scaler = StandardScaler()
    target = StandardScaler()
    known = None
    started = time.perf_counter()
    for start in range(0, len(y), size):
        end = min(len(y), start + size)
        if start > 0:
            if known is not None:
                made = np.repeat(known, end - start)
            else:
                made = model.predict(prepared(scaler, start, end))
                if not labels:
                    made = target.inverse_transform(made.reshape(-1, 1)).ravel()
            predicted.append(made)
        first = 0 if refit else start
        if dense.shape[1]:
            scaler = scaler.fit(dense[:end]) if refit else scaler.partial_fit(dense[start:end])
        x, part = prepared(scaler, first, end), y[first:end]
        if labels:
            # A refit needs two classes; until then there is one thing to say.
            known = part[0] if refit and len(set(part)) == 1 else None
            if refit and known is None:
                model.fit(x, part)
            elif not refit:
                model.partial_fit(x, part, classes=classes)
        else:
            column = part.reshape(-1, 1)
            target = target.fit(column) if refit else target.partial_fit(column)
            part = target.transform(column).ravel()
            model.fit(x, part) if refit else model.partial_fit(x, part)
    made = np.concatenate(predicted)
    score = accuracy_score(y[size:], made) if labels else r2_score(y[size:], made)
    return {"score": float(score), "seconds": time.perf_counter() - started}


refit = LogisticRegression(max_iter=1000) if labels else LinearRegression()
partial = SGDClassifier(loss="log_loss", random_state=0) if labels else SGDRegressor(random_state=0)
print(json.dumps({"refit": prequential(refit, True), "partial_fit": prequential(partial, False)}))

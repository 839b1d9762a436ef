"""Runs a Python module as a command workload of Stint. One file, no dependencies, Python 3.8 or later.

    workload: { command: [python3, stint_workload.py, model.py] }

The module has a class `Workload` and, if it likes, a function `describe`:

    def describe():
        return {"name": "model", "params": {...}, "metrics": {...}, "dataset": "required"}

    class Workload:
        def __init__(self, context): ...   # params, settings, limits, dataset, warmup
        def step(self, rows, train): ...   # {"rows": handled}; None when the data is used up
        def finish(self): ...              # {"metrics": {...}}
        def close(self): ...               # optional
        def skip(self, rows): ...          # optional: gives up so many rows, and returns how many

What the module prints goes to standard error, which Stint keeps in the run folder: standard output carries the replies.
"""

import importlib.util
import json
import math
import os
import sys
import traceback


def plain(value):
    """What JSON can say: numbers that are not finite become null, numpy's become Python's."""
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if not isinstance(value, (str, bool, int, float, type(None))) and hasattr(value, "tolist"):
        return plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def load(path):
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    spec = importlib.util.spec_from_file_location("workload", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Server:
    def __init__(self, module):
        self.module = module
        self.workload = None

    def describe(self, request):
        return self.module.describe() if hasattr(self.module, "describe") else {}

    def open(self, request):
        self.workload = self.module.Workload(request)
        return {"skip": hasattr(self.workload, "skip")}

    def step(self, request):
        report = self.workload.step(request["rows"], request["train"])
        return {"done": True} if report is None else report

    def skip(self, request):
        return {"rows": self.workload.skip(request["rows"])}

    def finish(self, request):
        return self.workload.finish()

    def close(self, request):
        workload, self.workload = self.workload, None
        if hasattr(workload, "close"):
            workload.close()
        return {}


def main(path):
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # Whoever prints means the log.
    os.dup2(2, 1)
    server = Server(load(path))
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = getattr(server, request["op"])(request)
        except Exception as error:
            traceback.print_exc()
            reply = {"error": {"name": type(error).__name__, "message": str(error)}}
        replies.write(json.dumps(plain(reply)) + "\n")
        replies.flush()


if __name__ == "__main__":
    main(sys.argv[1])

"""A peer that computes next to nothing; the name of a workload says how it behaves."""

import os
import sys
import time

import numpy as np

FORMS = {"forms": ("slow", "fast"), "unknown to ours": ()}
kept = []


def begin(threads):
    sys.stdout.write("frameworks like to greet\n")
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else threads
    counts = {os.environ[name] for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    return {"version": f"stub, {bound} bound, {counts}", "plugins": [], "tunables": os.environ.get("GLIBC_TUNABLES")}


def variants(name):
    return FORMS.get(name, ("",))


def build(name, variant, *, tiny=False):
    return {
        "forms": lambda: pausing(0.003 if variant == "slow" else 0.0),
        "slower there": lambda: pausing(0.002),
        "raises": lambda: 1 / 0,
        "dies": die,
        "sleeps": lambda: time.sleep(600),
        "large": lambda: keep(1 if tiny else 64 << 20),
        "nan": lambda: float("nan"),
    }.get(name, lambda: np.arange(6.0).reshape(2, 3))


def pausing(seconds):
    time.sleep(seconds)
    return 1.5


def die():
    os.write(2, b"out of luck\n")
    os._exit(3)


def keep(count):
    kept[:] = [np.ones(count, np.uint8)]
    return 1.0


def arrays(result):
    return [np.asarray(result)]

"""Recordings for the tests of exports: one of a training step, one made by hand."""

import threading

import tinytorch as tt
from tinytorch import nn, plugins
from tinytorch_profiling import Call, Recording, Scope, Spec, profile, record

HOSTILE = "</script><script>alert(1)</script><!--data--> \"&'; \udcff\n"


def trained():
    """A step of training in a range of a hostile name, beside a second thread."""
    model = nn.Sequential(nn.Linear(4, 5), nn.Sequential(nn.GELU(), nn.Linear(5, 2)))
    optimizer = tt.optim.Adam(model.parameters(), lr=0.1)
    with profile() as p:
        other = threading.Thread(target=plugins.carry(lambda: tt.ones(3).exp()))
        with record(HOSTILE):
            other.start()
            model(tt.ones(3, 4)).sum().backward()
            optimizer.step()
        other.join()
    return p.recording


def call(op, start, end, thread=1, **more):
    """A call of an op on one array of 2 × 3 float32."""
    array = Spec((2, 3), "float32")
    more = {"plugin": "core", "scope": None, "self_time": end - start} | more
    return Call(op, (array,), (array,), start, end, thread, **more)


def made():
    """Two ops in a module, the second of which calls a third; nanoseconds 1000 to 2000."""
    outer = Scope("module", "GPT", None, 1, 1000, 2000)
    block = Scope("module", "GPT.blocks.0", outer, 1, 1100, 1900)
    first, second = call("linear", 1100, 1200, scope=block), call("attention", 1300, 1800, scope=block)
    second.self_time = 300
    third = call("softmax", 1400, 1600, scope=block, parent=second)
    return Recording([first, second, third], [outer, block], [(1000, 2100)], 1)


def interleaved():
    """Two tasks that take turns in one thread, so that neither lies in the other."""
    first, second = Scope("range", "first", None, 1, 0, 100), Scope("range", "second", None, 1, 50, 150)
    calls = [call("exp", 10, 20, scope=first), call("log", 60, 70, scope=second), call("sin", 80, 90, scope=first)]
    return Recording(calls, [first, second], [(0, 200)], 1)

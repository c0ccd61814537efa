"""The four tasks of MLPerf Tiny (Banbury et al. 2021) with their real models, real samples and official targets.

`tasks` says what they are, `samples` reads what people have on disk, `systems` makes a model ready, `quality` judges
its answers, `runner` measures by the rules, `loadgen` lets MLCommons' own load generator measure, `result` is what was
found. Nothing is downloaded, and nothing is judged but by real samples.
"""

from tinytorch_bench.tinymlperf.quality import anomaly_score, quality, roc_auc, top1
from tinytorch_bench.tinymlperf.result import NOTICE, Quality, Report, Result
from tinytorch_bench.tinymlperf.runner import OFFICIAL, QUICK, Performance, Rules
from tinytorch_bench.tinymlperf.samples import Samples, drawn, read
from tinytorch_bench.tinymlperf.session import measured
from tinytorch_bench.tinymlperf.systems import System, system
from tinytorch_bench.tinymlperf.tasks import TASKS, MissingError, Task, TinyError

__all__ = [
    "NOTICE",
    "OFFICIAL",
    "QUICK",
    "TASKS",
    "MissingError",
    "Performance",
    "Quality",
    "Report",
    "Result",
    "Rules",
    "Samples",
    "System",
    "Task",
    "TinyError",
    "anomaly_score",
    "drawn",
    "measured",
    "quality",
    "read",
    "roc_auc",
    "system",
    "top1",
]

"""Running a few lines in a process of their own: what an import, a signal or a fork decides is decided once."""

import os
import subprocess
import sys

START = """
from tinytorch import plugins
from tinytorch.plugins import discovery
from tinytorch_accel import plugin
if "accel" not in discovery.installed():
    plugins.register(plugin, "accel")
"""


def run(code, **variables):
    """Run Python code with these variables added to the environment: (status, what it printed, errors)."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr

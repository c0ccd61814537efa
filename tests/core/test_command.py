"""The command without the extra `cli`: the core alone says what to install."""

import subprocess
import sys

import pytest

WITHOUT = "import sys; sys.modules['{missing}'] = None; from tinytorch.cli import main; main()"


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_the_extra_one_sentence_says_what_to_install(missing):
    command = [sys.executable, "-c", WITHOUT.format(missing=missing), "train", "xor"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "tinytorch: the command line needs typer and rich: pip install 'tinytorch-core[cli]'"
    ]


def test_importing_the_library_imports_no_command_line():
    program = "import sys, tinytorch; print([name for name in sys.modules if name in ('typer', 'rich')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

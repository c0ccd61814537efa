"""`python -m tinytorch` is the command `tinytorch`."""

from tinytorch.cli import main

main()

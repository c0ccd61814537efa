"""TinyMLPerf: honest measurement and competition for tinytorch."""

__version__ = "0.1.0"

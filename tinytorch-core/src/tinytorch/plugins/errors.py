"""What goes wrong with plugins."""


class PluginError(RuntimeError):
    """A plugin is missing, broken or breaks a rule of the seam; the cause, where there is one, is chained."""

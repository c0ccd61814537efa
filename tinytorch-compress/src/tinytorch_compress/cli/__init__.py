"""The commands that the plugin brings: `tinytorch prune`, `tinytorch compress` and `tinytorch sparsity`."""

"""The course: one chapter a module, each readable after the ones before it.

tensor, module, activations, layers, losses, autograd, optimizers, training, spatial, dataloader, tokenization,
embeddings, attention, transformers; then the two switches that need a plugin to be turned on, acceleration and caching.
The order is kept by an import-linter contract.
"""

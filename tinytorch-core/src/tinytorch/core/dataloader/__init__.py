"""Chapter 9, dataloader: data in batches."""

from tinytorch.core.dataloader.dataset import Dataset, Subset, TensorDataset, Transformed, random_split
from tinytorch.core.dataloader.loader import DataLoader, default_collate
from tinytorch.core.dataloader.transforms import Compose, Normalize, RandomCrop, RandomHorizontalFlip, ToTensor

__all__ = [
    "Compose",
    "DataLoader",
    "Dataset",
    "Normalize",
    "RandomCrop",
    "RandomHorizontalFlip",
    "Subset",
    "TensorDataset",
    "ToTensor",
    "Transformed",
    "default_collate",
    "random_split",
]

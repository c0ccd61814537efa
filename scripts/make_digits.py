"""The handwritten digits that the core carries, packed from scikit-learn's copy of the UCI data.

It needs scikit-learn, so it is run by hand (`uv run --with scikit-learn scripts/make_digits.py`) and its
result is kept. The same arrays and zlib give the same bytes. It splits nothing: the loader does.
"""

import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TARGET = Path(__file__).parents[1] / "tinytorch-core/src/tinytorch/datasets/digits.npz"


def main() -> None:
    """Write images (1797, 8, 8) with values 0 to 16 and labels (1797,), all uint8."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    save({"images": to_bytes(digits.images), "labels": to_bytes(digits.target)}, TARGET)
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes")


def to_bytes(values: NDArray[np.number]) -> NDArray[np.uint8]:
    """Narrow whole numbers to uint8 and assert that none changed."""
    narrow = values.astype(np.uint8)
    assert (narrow == values).all()
    return narrow


def save(arrays: dict[str, NDArray[np.uint8]], path: Path) -> None:
    """Write an `.npz` as `np.savez_compressed` does, but without the time of day in it."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, values in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy")  # dated 1980, the earliest that zip knows
            member.create_system = 3  # Unix on every system
            archive.writestr(member, npy(values), zipfile.ZIP_DEFLATED, compresslevel=9)


def npy(values: NDArray[np.uint8]) -> bytes:
    """Return the bytes of an `.npy` file that holds `values`."""
    stream = BytesIO()
    np.lib.format.write_array(stream, np.ascontiguousarray(values), allow_pickle=False)
    return stream.getvalue()


if __name__ == "__main__":
    main()

"""Record PyTorch's answers to all cases, for the places where it is not installed.

`python tests/oracle/record.py` writes `recorded/*.npz`; needs the release of PyTorch in the dependency group `oracle`.
"""

import agreement
import flops
import models
import promotion


def main() -> None:
    """Ask PyTorch every case of every table with the recorded seeds."""
    for table, cases in agreement.tables().items():
        answers = {
            f"{case}#{seed}": (agreement.digest(case, seed), agreement.answer("torch", case, seed))
            for case in cases
            for seed in agreement.RECORDED_SEEDS
        }
        agreement.save(table, answers)
        print(f"{table}: {len(answers)} answers")  # noqa: T201  a script
    promotion.record()
    models.record()
    flops.record()


if __name__ == "__main__":
    main()

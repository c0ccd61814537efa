"""tinytorch gives what PyTorch gives, forward and backward."""

import agreement
import pytest
from agreement import HAS_TORCH, ORACLE, RECORDED_SEEDS, SEEDS

TABLES = agreement.tables()
ALL = [pytest.param(table, case, id=f"{ORACLE}-{table}-{case}") for table, cases in TABLES.items() for case in cases]
recordings = {} if HAS_TORCH else {table: agreement.load(table) for table in TABLES}


def expected_answer(table, case, seed):
    if HAS_TORCH:
        return agreement.answer("torch", case, seed)
    inputs, recorded = recordings[table][f"{case}#{seed}"]
    assert inputs == agreement.digest(case, seed), "the recording is of other inputs: python tests/oracle/record.py"
    return recorded


@pytest.mark.parametrize(("table", "case"), ALL)
def test_agrees_with_pytorch(table, case):
    for seed in SEEDS:
        expected = expected_answer(table, case, seed)
        try:
            agreement.compare(agreement.answer("tinytorch", case, seed), expected, case.loose)
        except Exception as error:
            error.add_note(f"{case} with seed {seed} and {case.inputs(seed)}")
            raise


def test_no_two_cases_are_the_same():
    for cases in TABLES.values():
        names = [str(case) for case in cases]
        assert len(names) == len(set(names)), {name for name in names if names.count(name) > 1}


@pytest.mark.parametrize("table", TABLES)
def test_recording_is_of_the_present_cases(table):
    recorded = {key: inputs for key, (inputs, _) in agreement.load(table).items()}
    present = {f"{case}#{seed}": agreement.digest(case, seed) for case in TABLES[table] for seed in RECORDED_SEEDS}
    assert recorded == present, "run python tests/oracle/record.py"

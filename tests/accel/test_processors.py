"""How many processors: what binds the process, and what its cgroups allow."""

import os

import pytest

from tinytorch_accel.processors import available, quotas


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system binds no process to processors")
def test_no_more_than_the_process_is_bound_to():
    bound = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(bound)})
    try:
        assert available() == 1
    finally:
        os.sched_setaffinity(0, bound)


def limits(tmp_path, membership, **files):
    """What is allowed where the process's groups are these."""
    (tmp_path / "own").write_text(membership)
    for path, text in files.items():
        file = tmp_path / "groups" / path.replace("__", "/").replace("DOT", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return list(quotas(tmp_path / "groups", tmp_path / "own"))


def test_each_group_around_the_process_may_limit_it(tmp_path):
    files = {"a__b__cpuDOTmax": "150000 100000\n", "a__cpuDOTmax": "max 100000\n", "cpuDOTmax": "400000 100000\n"}
    assert limits(tmp_path, "0::/a/b\n", **files) == [1.5, 4.0]


def test_the_older_kind_of_groups_counts_too(tmp_path):
    files = {"cpu__a__cpuDOTcfs_quota_us": "50000\n", "cpu__a__cpuDOTcfs_period_us": "100000\n"}
    assert limits(tmp_path, "4:cpu,cpuacct:/a\n3:memory:/a\n", **files) == [0.5]


def test_without_groups_or_limits_nothing_is_limited(tmp_path):
    files = {"cpu__cpuDOTcfs_quota_us": "-1\n", "cpu__cpuDOTcfs_period_us": "100000\n"}
    assert limits(tmp_path, "1:cpu:/\n0::/\n", **files) == []
    assert list(quotas(tmp_path, tmp_path / "missing")) == []

"""Counts in buckets, and what they say of waits."""

import pytest

from scheduling.wait_histogram import BOUNDS, BUCKETS, PLACES, added, of_priority, percentile


def counts(**at: int) -> list[int]:
    """`counts(b3=2)`: two in bucket 3."""
    return [at.get(f"b{bucket}", 0) for bucket in range(BUCKETS)]


def test_nobody_started_says_nothing():
    assert percentile([], 0.5) is None
    assert percentile(counts(), 0.5) is None


def test_within_a_bucket_all_lengths_are_alike_likely():
    assert percentile(counts(b4=10), 0.5) == (BOUNDS[3] + BOUNDS[4]) / 2
    assert percentile(counts(b0=4), 1.0) == BOUNDS[0]
    assert percentile(counts(b0=4), 0.0) == 0.0


def test_a_percentile_lies_in_the_bucket_of_the_one_that_it_names():
    mixed = counts(b0=50, b4=45, b9=5)
    assert percentile(mixed, 0.5) == BOUNDS[0]
    assert BOUNDS[3] < percentile(mixed, 0.95) <= BOUNDS[4]
    assert BOUNDS[8] < percentile(mixed, 0.96) <= BOUNDS[9]


def test_the_last_bucket_has_no_end_and_says_at_least():
    assert percentile([0] * (BUCKETS - 1) + [3], 0.95) == BOUNDS[-1]


@pytest.mark.parametrize("priority", [1, 2, 3])
def test_each_priority_has_its_own_counts(priority):
    histogram = list(range(PLACES))
    assert of_priority(histogram, priority)[0] == BUCKETS * (priority - 1)
    assert len(of_priority(histogram, priority)) == BUCKETS


def test_sums_take_empty_ones_for_nothing():
    one = [1] * PLACES
    assert added([one, [], one]) == [2] * PLACES

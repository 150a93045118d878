"""Numbers read in binary are those that the database has."""

from datetime import UTC, datetime

import pytest
from django.db import DataError
from django.db.utils import DatabaseError

from accounts.reading import SINCE_2000, read_columns

pytestmark = pytest.mark.django_db
COUNTED = "SELECT n, n * %(factor)s, -n FROM generate_series(1, %(most)s::bigint) AS n"


def test_each_column_is_what_the_query_says():
    found = read_columns(COUNTED, {"factor": 2**40, "most": 1000}, 3)
    numbers = list(range(1, 1001))
    assert found.tolist() == [numbers, [one * 2**40 for one in numbers], [-one for one in numbers]]
    assert all(column.flags.c_contiguous for column in found)


def test_no_rows_are_columns_of_no_length():
    assert read_columns(COUNTED, {"factor": 1, "most": 0}, 3).shape == (3, 0)


def test_times_are_microseconds_since_2000():
    at = datetime(2024, 2, 29, 12, 30, 1, 234567, tzinfo=UTC)
    ((found,),) = read_columns("SELECT %(at)s::timestamptz", {"at": at}, 1).tolist()
    assert datetime.fromtimestamp((found + SINCE_2000) // 10**6, UTC) == at.replace(microsecond=0)
    assert (found + SINCE_2000) % 10**6 == at.microsecond


def test_lists_and_words_are_bound_and_never_part_of_the_statement():
    query = "SELECT id, length(%(word)s)::bigint FROM unnest(%(ids)s::bigint[]) AS id"
    found = read_columns(query, {"ids": [7, 8], "word": "');--"}, 2)
    assert found.tolist() == [[7, 8], [5, 5]]


@pytest.mark.parametrize("value", ["NULL::bigint", "1::integer"])
def test_what_is_no_number_of_eight_bytes_is_refused(value):
    with pytest.raises(ValueError, match="NULL"):
        read_columns(f"SELECT {value}", {}, 1)


def test_what_the_database_refuses_is_an_error_of_the_database():
    with pytest.raises(DataError):
        read_columns("SELECT 1 / %(zero)s::bigint", {"zero": 0}, 1)


def test_a_query_of_another_width_is_refused():
    with pytest.raises(DatabaseError):
        read_columns("SELECT 1::bigint", {}, 2)

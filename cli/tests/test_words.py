"""Tables, amounts and times."""

from datetime import UTC, datetime

import pytest
from rich.text import Text

from hypervisor_cli.addresses import with_scheme
from hypervisor_cli.commands.top import bar
from hypervisor_cli.exits import sentences
from hypervisor_cli.tables import Column, lines
from hypervisor_cli.words import clock, needs, number, own_name, seconds_of, span
from hypervisor_client import Invalid

COLUMNS = (
    Column("ID", right=True),
    Column("NAME", least=6),
    Column("CPU", right=True, optional=1),
    Column("WHY"),
)
ROWS = [("7", "a-long-name", "8", "no room"), ("12", "b", "16", "")]


def plain(width):
    return [line.plain for line in lines(COLUMNS, ROWS, width)]


def test_a_table_is_as_wide_as_its_words():
    assert plain(1000) == [
        "ID  NAME         CPU  WHY",
        " 7  a-long-name    8  no room",
        "12  b             16",
    ]


def test_names_are_cut_before_a_column_goes():
    assert plain(26) == ["ID  NAME      CPU  WHY", " 7  a-long-…    8  no room", "12  b          16"]


def test_what_is_least_needed_goes_where_it_is_tight():
    assert plain(22) == ["ID  NAME       WHY", " 7  a-long-n…  no room", "12  b"]


@pytest.mark.parametrize("width", range(21, 40))
def test_no_line_is_wider_than_the_terminal(width):
    assert max(map(len, plain(width))) <= width


def test_wide_letters_take_two_cells():
    table = [
        line.plain
        for line in lines((Column("N", least=4), Column("X")), [("日本語", "1"), ("abcdef", "2")], 100)
    ]
    assert table[1:] == ["日本語  1", "abcdef  2"]


def test_a_name_cannot_steer_the_terminal():
    (_, row) = lines((Column("N"),), [("a\x1b[31m\nb",)], 100)
    assert row.plain == "a�[31m�b"


def test_an_empty_table_is_its_head():
    assert [line.plain for line in lines((Column("A"), Column("B")), [], 80)] == ["A  B"]


def test_amounts_have_no_more_places_than_they_take():
    assert [number(value) for value in (0, 2.0, 0.5, 1.125, 1024)] == ["0", "2", "0.5", "1.125", "1,024"]
    assert needs({"required_gpu": 0, "required_cpu": 1, "required_ram": 0.5}) == "1 CPU, 0.5 GB"


def test_spans_have_one_unit():
    told = [span(seconds) for seconds in (-3, 119, 120, 7199, 7200, 172_799, 172_800)]
    assert told == ["0 s", "119 s", "2 min", "119 min", "2 h", "47 h", "2 d"]


def test_a_day_is_told_where_it_is_another_one():
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert clock(at, at) == f"{at.astimezone():%H:%M:%S}"
    assert clock(at, datetime(2026, 3, 5, tzinfo=UTC)).startswith("2026-03-0")


def test_durations_are_read_with_or_without_a_unit():
    assert [seconds_of(text) for text in ("90", "90s", "15m", "2h", "1.5d")] == [90, 90, 900, 7200, 129_600]
    for wrong in ("2 weeks", "nan", "inf", "9" * 400):
        with pytest.raises(ValueError, match="15m"):
            seconds_of(wrong)


def test_an_image_names_its_deployment():
    told = [own_name(image) for image in ("busybox", "host:5000/team/train:1.4", "a/b@sha256:00")]
    assert told == ["busybox", "train", "b"]


def test_bars_are_as_long_as_what_is_taken():
    assert [bar(taken, 8, 4).plain for taken in (0, 1, 4, 8, 9)] == ["░░░░", "▌░░░", "██░░", "████", "████"]
    assert bar(0, 0, 4).plain == "░░░░"
    assert isinstance(bar(9, 8, 4), Text)


def test_this_machine_is_reached_plainly_and_others_encrypted():
    told = [with_scheme(url) for url in ("localhost:8000/", "127.0.0.1", "gpu.example.org", "http://a/b/")]
    assert told == ["http://localhost:8000", "http://127.0.0.1", "https://gpu.example.org", "http://a/b"]


def test_a_refusal_names_each_field():
    error = Invalid(400, "both", fields=[("required_gpu", "too much"), ("env.A", "bad"), ("", "all")])
    assert sentences(error) == ["required_gpu: too much", "env.A: bad", "all"]

"""Trace files: the published ones, our own columns, and what is wrong with a line."""

import gzip
from hashlib import blake2b

import pytest

from scheduling.simulation import traces
from scheduling.simulation.published import share
from scheduling.simulation.traces import BadTrace
from scheduling.simulation.workload import SECOND
from scheduling.tests.simulated import PHILLY

OURS = "id,submit_s,duration_s,gpus,cores,ram_gb,priority,organization,user,expected_s,checkpoint_s\n"
OPENB = (
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,"
    "creation_time,deletion_time,scheduled_time\n"
)
DAY = 86_400


@pytest.fixture
def trace(tmp_path):
    def write(text):
        path = tmp_path / "trace.csv"
        path.write_text(text)
        return path

    return write


def test_a_share_is_the_first_eight_bytes_of_blake2b():
    digest = blake2b(b"prio|ph17", digest_size=8).digest()
    assert share("prio", "ph17") == int.from_bytes(digest, "big") / 2**64


def test_philly_is_cut_at_fifty_days_and_has_1024_gpus(trace):
    late = f"1,b,{50 * DAY + 1},60,1\n"
    made = traces.read(
        trace(f"job_id,vc,submit_s,duration_s,gpus\n0,a,100,3600,2\n2,b,{50 * DAY},60,1\n{late}")
    )
    assert made.total == (1_024_000, 8_192_000, 65_536 * 1024)
    assert made.left_out == {"are submitted after day 50": 1}
    first = made.jobs[0]
    assert first.need[0] == 2000
    assert first.need[1] / 2000 in (2, 4, 6, 8, 12)
    assert first.need[2] / 2 / 1024 in (16, 32, 48, 64, 96)
    assert first.expected / first.duration in (1, 1.5, 2, 5, 10)
    assert [job.submit for job in made.jobs] == [0, (50 * DAY - 100) * SECOND]
    assert [job.organization for job in made.jobs] == [1, 2]


def test_a_tenth_of_philly_is_high():
    jobs = traces.read(PHILLY).jobs
    assert len(jobs) == 400
    portions = {priority: sum(job.priority == priority for job in jobs) / 400 for priority in (1, 2, 3)}
    assert portions == pytest.approx({1: 0.6, 2: 0.3, 3: 0.1}, abs=0.05)


def test_openb_counts_from_its_day_115_and_shares_gpus(trace):
    at = 115 * DAY
    made = traces.read(
        trace(
            f"{OPENB}early,1000,1024,1,500,,BE,Running,{at - 1},{at + 9},{at}\n"
            f"half,4000,1024,1,500,,BE,Running,{at},{at + 100},{at + 10}\n"
            f"two,4000,1024,2,1000,,Burstable,Running,{at + 5},{at + 100},{at + 5}\n"
            f"never,4000,1024,1,500,,LS,Pending,{at},{at + 100},\n"
        )
    )
    assert made.total == (24_000, 412_800, round(1900.8 * 1024))
    assert made.left_out == {"were created before day 115": 1, "were never scheduled": 1}
    half, two = made.jobs
    assert (half.need, half.priority, half.duration) == ((500, 4000, 1024), 1, 90 * SECOND)
    assert (two.need, two.priority, two.submit) == ((2000, 4000, 1024), 2, 5 * SECOND)


def test_our_own_columns_say_everything(trace):
    made = traces.read(trace(f"{OURS}a,7,60,1.5,4,8,HIGH,lab,eve,90,10\nb,9,30,1,,,,,,,\n"))
    first, second = made.jobs
    assert (first.need, first.priority, first.submit) == ((1500, 4000, 8192), 3, 0)
    assert (first.expected, first.checkpoint) == (90 * SECOND, 10 * SECOND)
    assert (second.need, second.priority, second.submit) == ((1000, 0, 0), 2, 2 * SECOND)
    assert (second.expected, second.checkpoint) == (None, None)
    assert first.organization != second.organization
    assert first.user != second.user


def test_gzip_comments_and_any_order_of_columns_are_read(tmp_path):
    path = tmp_path / "trace.csv.gz"
    path.write_bytes(gzip.compress(b"# ours\ngpus,id,duration_s,submit_s\n\n2,x,60,0\n"))
    assert [job.need for job in traces.read(path).jobs] == [(2000, 0, 0)]


def test_a_given_size_scales_what_is_not_given(trace):
    made = traces.read(trace("job_id,vc,submit_s,duration_s,gpus\n0,a,0,60,2\n"))
    assert traces.sized(made, gpus=512, cores=None, ram_gb=100).total == (512_000, 4_096_000, 102_400)
    assert traces.sized(made, gpus=1, cores=None, ram_gb=None).left_out == {
        "ask for more than the whole cluster has": 1
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("a,b\n1,2\n", "lacks the columns id, submit_s, duration_s, gpus"),
        ("id,submit_s,duration_s,gpus,colour\n", "unknown columns: colour"),
        (f"{OURS}a,0,60,1,,,LOW,,,,\nb,soon,60,1,,,LOW,,,,\n", "line 3, submit_s: 'soon'"),
        (f"{OURS}a,0,-1,1,,,LOW,,,,\n", "line 2, duration_s: '-1'"),
        (f"{OURS}a,0,nan,1,,,LOW,,,,\n", "line 2, duration_s: 'nan'"),
        (f"{OURS}a,0,60,1,,,URGENT,,,,\n", "line 2, priority: 'URGENT'"),
        (f"{OURS}a,0,60,1,,,,,,,\na,0,60,1,,,,,,,\n", "line 3, id: 'a' is the id of line 2"),
        (f"{OURS}a,0,60\n", "line 2: 3 cells, the header has 11"),
        ("job_id,vc,submit_s,duration_s,gpus\n0,a,0,,1\n", "line 2, duration_s: ''"),
    ],
)
def test_a_bad_line_is_named_with_what_is_wrong(trace, text, told):
    with pytest.raises(BadTrace, match=told):
        traces.read(trace(text))


@pytest.mark.parametrize("raw", [b"\x1f\x8bnot gzip", b"\xff\xfe\x00"])
def test_a_file_that_is_no_text_is_refused(tmp_path, raw):
    path = tmp_path / "trace"
    path.write_bytes(raw)
    with pytest.raises(BadTrace, match="cannot be read"):
        traces.read(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(BadTrace, match="cannot be read"):
        traces.read(tmp_path / "nothing")

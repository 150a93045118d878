"""The demo's pure parts."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from hypervisor.demo import trace
from hypervisor.demo.measures import Use, names_twice, percentile, waited
from hypervisor.demo.progress import Progress
from hypervisor.demo.run import find_url
from hypervisor.demo.screen import line, picture, summary
from hypervisor.demo.trace import SITES, compress, load, priority_of

JOBS = load()


def test_the_copy_of_the_trace_is_whole_in_order_and_of_several_tenants():
    assert len(JOBS) == 400
    assert [job.submit_s for job in JOBS] == sorted(job.submit_s for job in JOBS)
    assert len({job.vc for job in JOBS}) >= 8
    assert len({job.job_id for job in JOBS}) == 400


def test_the_copy_says_where_it_comes_from():
    assert "CC-BY-4.0" in trace.TRACE.read_text().split("job_id,", 1)[0]


def test_priorities_are_drawn_from_the_job_alone_in_the_shares_promised():
    drawn = [priority_of(str(number)) for number in range(10_000)]
    assert drawn == [priority_of(str(number)) for number in range(10_000)]
    shares = [drawn.count(priority) / 10_000 for priority in (3, 2, 1)]
    assert shares == pytest.approx([0.1, 0.3, 0.6], abs=0.02)


@pytest.mark.parametrize("seconds", [5, 60, 600])
@pytest.mark.parametrize("count", [1, 20, 300])
def test_compressed_jobs_arrive_in_order_within_the_time_and_fit_their_cluster(count, seconds):
    tasks = compress(JOBS[:count], seconds=seconds)
    assert len(tasks) == count
    assert [task.at for task in tasks] == sorted(task.at for task in tasks)
    assert tasks[0].at == 0
    assert tasks[-1].at == pytest.approx(seconds if count > 1 else 0)
    for task in tasks:
        site = SITES[task.site]
        assert 0 < task.gpus <= site.gpus
        assert 0 < task.cores <= site.cores
        assert 0 < task.ram <= site.ram
        assert trace.SHORTEST <= task.seconds <= max(trace.SHORTEST, trace.LONGEST * seconds)
        assert task.expected_seconds >= task.seconds


def test_a_dependency_is_always_submitted_before_its_dependent():
    tasks = compress(JOBS, seconds=60)
    place = {task.name: index for index, task in enumerate(tasks)}
    dependents = [task for task in tasks if task.after]
    assert 20 < len(dependents) < 80
    assert all(place[task.after] < place[task.name] for task in dependents)


def test_every_cluster_of_the_demo_gets_its_share_of_the_work():
    asked = [0.0] * len(SITES)
    for task in compress(JOBS[:300], seconds=60):
        asked[task.site] += task.gpus * task.seconds / SITES[task.site].gpus
    assert max(asked) < 1.2 * min(asked)
    assert min(asked) > 0.8 * 60, "nobody would wait on clusters that are asked for less"


@given(st.lists(st.floats(0, 1000), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_a_value_that_the_share_does_not_exceed(values, share):
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9


def test_nothing_has_no_percentile():
    assert percentile([], 0.5) is None


def test_use_is_weighted_by_how_long_it_lasted():
    use = Use()
    for at, share in ((0, 1.0), (1, 0.0), (4, 0.5)):
        use.sample(at, share)
    assert use.percent == 25


def test_a_wait_begins_when_the_last_dependency_has_ended():
    row = {"queued_at": "2026-01-01T00:00:00Z", "dependency_ids": [1, 2]}
    ended = {1: "2026-01-01T00:00:03Z", 2: "2026-01-01T00:00:05.5Z"}
    assert waited(row, "2026-01-01T00:00:07Z", ended) == 1.5
    assert waited({**row, "dependency_ids": []}, "2026-01-01T00:00:07Z", ended) == 7
    assert waited(row, None, ended) is None


def test_a_name_that_comes_twice_is_found():
    assert names_twice([{"name": "a"}, {"name": "b"}, {"name": "a"}]) == ["a"]


def test_the_address_comes_from_the_data_folder_only_while_somebody_answers_there(tmp_path):
    (tmp_path / "lock").write_text('{"pid": 1, "address": "http://127.0.0.1:1"}')
    assert find_url(data_dir=str(tmp_path), port=8000) == "http://127.0.0.1:8000"
    assert find_url(data_dir="", port=8001) == "http://127.0.0.1:8001"


def row(id_, status, priority, **fields):
    start = "2026-01-01T00:00:01Z" if status != "pending" else None
    return {
        "id": id_, "name": f"job {id_}", "status": status, "priority": priority, "cluster_id": 7, "reason": None,
        "started_at": start, "preemption_count": 0, "queued_at": "2026-01-01T00:00:00Z", "dependency_ids": [],
    } | fields  # fmt: skip


@pytest.fixture
def progress():
    progress = Progress(jobs=3, accepted={"job 1": 1, "job 2": 2})
    rows = [row(1, "running", 3), row(2, "pending", 1, reason="no_capacity", preemption_count=2)]
    clusters = [{"id": 7, "name": "site", "allocated_gpu": 3, "total_gpu": 4}]
    progress.update(rows=rows, clusters=clusters, elapsed=0.0)
    progress.update(rows=rows, clusters=clusters, elapsed=2.0)
    return progress


def test_the_progress_ends_only_when_all_is_accepted_and_ended(progress):
    assert not progress.done
    progress.accepted["job 3"] = 3
    rows = [row(1, "completed", 3), row(2, "completed", 1), row(3, "running", 1)]
    progress.update(rows=rows, clusters=progress.clusters, elapsed=3.0)
    assert not progress.done
    progress.update(rows=[*rows[:2], row(3, "failed", 1)], clusters=progress.clusters, elapsed=4.0)
    assert progress.done


def test_pictures_and_lines_hold_the_figures_and_fit_a_terminal(progress):
    console = Console(width=100, file=io.StringIO(), color_system=None)
    console.print(picture(progress))
    console.print(summary(progress, {1: 0.25, 2: None}))
    console.print(line(progress), soft_wrap=True)
    shown = console.file.getvalue()
    for figure in ("2/3", "3/4 GPUs", "75.0 %", "0.2 s", "preemptions   2", "GPUs  75 %"):
        assert figure in shown, shown
    assert max(map(len, shown.splitlines()[:-1])) <= 100

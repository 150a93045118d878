"""What an operator does in the console, with the mouse."""

import pytest

from hypervisor.tests.processes import eventually

pytestmark = [pytest.mark.browser, pytest.mark.processes]


def press(operator, button):
    """A button of a row's page, by its action, and then "Yes" on the page between."""
    operator.page.locator(f"a[href$='/do/{button}/']:visible").first.click()
    operator.page.wait_for_url("**/do/**")
    operator.look()
    operator.page.get_by_role("button", name="Yes").click()
    operator.page.wait_for_url("**/change/")
    operator.look()


def do_to_all(operator, action, count):
    """An action on all rows of the list, which the page between must count."""
    assert operator.page.locator("#result_list tbody tr").count() == count
    operator.page.locator("#action-toggle").check()
    operator.page.select_option("select[name=action]", action)
    operator.page.locator("button[name=index]").first.click()
    operator.page.get_by_role("button", name="Yes").wait_for()
    operator.look()
    assert f"{count} deployments" in operator.page.inner_text("body")
    operator.page.get_by_role("button", name="Yes").click()


def state(filled, cluster):
    return filled.http.get(f"/clusters/{cluster}").json()["state"]


def test_pausing_a_cluster_and_resuming_it(visitor, filled):
    operator = visitor()
    operator.visit(f"/admin/clusters/cluster/{filled.cluster}/change/")
    press(operator, "pause")
    assert state(filled, filled.cluster) == "paused"
    press(operator, "resume")
    assert state(filled, filled.cluster) == "ready"


def test_running_the_scheduler_tells_its_figures(visitor, filled):
    operator = visitor()
    operator.visit(f"/admin/clusters/cluster/{filled.cluster}/change/")
    press(operator, "run-scheduler")
    assert "unschedulable" in operator.page.inner_text("body")


def test_following_the_log_of_a_run(visitor, filled):
    operator = visitor()
    operator.visit(f"/admin/deployments/deployment/{filled.talker}/change/")
    operator.page.locator("a[href*='/log/']:visible").first.click()
    operator.page.wait_for_selector("[data-log-text]")
    operator.page.wait_for_function(
        "document.querySelector('[data-log-text]').textContent.includes('started')"
    )
    operator.look()


def test_looking_at_what_the_next_cycle_would_do(visitor, filled):
    operator = visitor()
    operator.visit(f"/admin/clusters/cluster/{filled.cluster}/change/")
    operator.page.locator("a[href*='/see/plan/']:visible").first.click()
    operator.page.wait_for_url("**/plan/**")
    operator.look()
    assert "would start" in operator.page.inner_text("body")


def test_asking_for_a_simulation(visitor, filled):
    operator = visitor()
    operator.visit(f"/admin/scheduling/simulation/add/?cluster={filled.cluster}")
    operator.page.locator("[name=_save]").last.click()
    operator.page.wait_for_url("**/simulation/*/change/")
    operator.look()
    operator.page.wait_for_function(
        "['done', 'failed'].some(word => document.body.innerText.includes(word))", timeout=120_000
    )
    operator.look()


def test_cancelling_many_at_once_asks_first_and_says_how_many(visitor, filled):
    operator = visitor()
    operator.visit(
        f"/admin/deployments/deployment/?q=whisper&status__exact=pending&cluster__id__exact={filled.shut}"
    )
    do_to_all(operator, "cancel", len(filled.waiting))
    assert eventually(lambda: {filled.status(one) for one in filled.waiting} == {"cancelled"})
    operator.look()


def test_stopping_many_at_once_asks_first_and_says_how_many(visitor, filled):
    size = {"total_gpu": 4, "total_cpu": 64, "total_ram": 256, "organization_id": filled.organization}
    roomy = filled.http.post("/clusters", json={"name": "roomy", **size}).json()["id"]
    running = [filled.submit(roomy, f"endless-{number}", simulated_seconds=3600) for number in range(3)]
    assert eventually(lambda: {filled.status(one) for one in running} == {"running"})
    operator = visitor()
    operator.visit(
        f"/admin/deployments/deployment/?q=endless&status__exact=running&cluster__id__exact={roomy}"
    )
    do_to_all(operator, "stop", len(running))
    assert eventually(lambda: {filled.status(one) for one in running} == {"completed"})
    operator.look()

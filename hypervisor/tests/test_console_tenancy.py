"""Every page of the console × everybody, found through its registry: a new page fails here by name."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib import admin
from django.http import Http404, HttpResponse
from django.test import Client, RequestFactory
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from accounts.admin.panels import Panel
from accounts.models import AuditEntry, User
from accounts.tests.factories import PASSWORD, UserFactory
from clusters.models import Cluster, ClusterEvent, ClusterShare
from clusters.sharing.services import share_cluster
from clusters.tests.factories import ClusterFactory, CredentialFactory
from deployments.models import Allocation, Deployment, DeploymentEvent, Run
from deployments.tests.factories import DeploymentFactory
from hypervisor.tests.console_rows import certificate_of, cycle_of, run_of, simulation_of
from organizations.models import Membership, Organization, Role
from organizations.tests.factories import DeliveryFactory, MembershipFactory, OrganizationFactory
from scheduling.certificates import as_numbers
from scheduling.core.certificates import Candidate, Certificate, Step
from scheduling.core.policy import VictimOrder
from scheduling.models import ClusterPolicy, Cycle, EvictionCertificate, Simulation, UsageHour

# v: sees the row's page, a: adds, c: changes, d: deletes, and each button by its name; for a row of the lab.
# ruff: noqa: E501 — a table is read along its lines
TABLE = """
page                                operator                                    owner                         admin                         maker            member viewer guest
organizations.organization          vacd,regenerate-invite                      vacd,regenerate-invite        vac,regenerate-invite         va               va     va     a
clusters.cluster                    vacd,pause,check,declare-lost,run-scheduler vacd,pause,check,declare-lost vacd,pause,check,declare-lost v                v      v      va
clusters.clusterevent               v                                           v                             v                             v                v      v      -
clusters.clustershare               vacd                                        vacd                          vacd                          v                v      v      va
clusters.registrycredential         vacd                                        vacd                          vacd                          v                v      v      a
deployments.deployment              vcd,cancel,start                            vcd,cancel,start              vcd,cancel,start              vcd,cancel,start v      v      -
deployments.run                     v,log                                       v,log                         v,log                         v,log            v,log  v      -
deployments.allocation              v                                           v                             v                             v                v      v      -
deployments.deploymentevent         v                                           v                             v                             v                v      v      -
scheduling.cycle                    v                                           v                             v                             v                v      v      -
scheduling.evictioncertificate      v                                           v                             v                             v                v      v      -
scheduling.simulation               va                                          v                             v                             v                v      v      -
scheduling.clusterpolicy            vac                                         vac                           vac                           v                v      v      a
accounts.auditentry                 v                                           v                             v                             v                v      v      -
accounts.user                       vac                                         -                             -                             -                -      -      -
organizations.webhook               vacd,test,rotate-secret                     -                             -                             -                -      -      -
organizations.webhookdelivery       v,redeliver                                 -                             -                             -                -      -      -
accounts.refreshfamily              v                                           -                             -                             -                -      -      -
scheduling.seededinterval           v                                           -                             -                             -                -      -      -
django_celery_beat.periodictask     vacd                                        -                             -                             -                -      -      -
django_celery_beat.intervalschedule vac                                         -                             -                             -                -      -      -
django_celery_beat.crontabschedule  vacd                                        -                             -                             -                -      -      -
django_celery_beat.clockedschedule  vacd                                        -                             -                             -                -      -      -
"""
HEAD, *LINES = [line.split() for line in TABLE.strip().splitlines()]
EXPECTED = {line[0]: dict(zip(HEAD[1:], line[1:], strict=True)) for line in LINES}
STAFF = ["owner", "viewer", "guest"]
"""Who sees what differs between members and guests; owners may press most, and viewers nothing."""
THEIRS = "otherwise-unseen"
"""Part of each name of the other organization's, and of what its members wrote."""
SOUGHT = THEIRS[:-1]
"""Finds all of it, and is not it where a page repeats what was sought."""
ABSENT = 999_999_999


@dataclass
class World:
    """Alice's lab with everybody in it, a guest on its cluster, and an organization of which nobody else knows."""

    cast: dict[str, User]
    lab: Organization
    mine: dict[str, Any]
    theirs: dict[str, Any]

    def browser(self, who: str) -> Client:
        client = Client()
        client.force_login(self.cast[who], backend="django.contrib.auth.backends.ModelBackend")
        return client


@pytest.fixture
def world(alice, lab, bob, charlie, operator):
    people = {
        "operator": operator,
        "owner": alice,
        "member": bob,
        "nobody": charlie,
        "maker": MembershipFactory(organization=lab, user__username="dora").user,
        "admin": MembershipFactory(organization=lab, role=Role.ADMIN).user,
        "viewer": MembershipFactory(organization=lab, role=Role.VIEWER).user,
        "guest": UserFactory(username="gina"),
    }
    User.objects.exclude(username="operator").update(is_staff=True)
    mine = rows_of(lab, "lab", people["maker"])
    share_cluster(
        actor=alice,
        cluster_id=mine["clusters.cluster"].pk,
        organization_id=OrganizationFactory(name="guests", owner=people["guest"]).pk,
    )
    mine["clusters.clustershare"] = ClusterShare.objects.get(organization__name="guests")
    stranger = UserFactory(username=f"{THEIRS}-user", is_staff=True)
    others = OrganizationFactory(name=f"{THEIRS} organization", owner=stranger)
    theirs = rows_of(others, THEIRS, stranger)
    share_cluster(
        actor=stranger,
        cluster_id=theirs["clusters.cluster"].pk,
        organization_id=OrganizationFactory(name=f"{THEIRS} guests", owner=stranger).pk,
    )
    theirs["clusters.clustershare"] = ClusterShare.objects.filter(cluster=theirs["clusters.cluster"]).last()
    return World(people, lab, mine, theirs)


def rows_of(organization: Organization, mark: str, maker: User) -> dict[str, Any]:
    """One row of every model that belongs to somebody, and of those that belong to nobody."""
    now = timezone.now()
    cluster = ClusterFactory(organization=organization, name=f"{mark} cluster", unreachable_since=now)
    of_it = {"cluster": cluster, "organization": organization}
    deployment = DeploymentFactory(
        **of_it, name=f"{mark} deployment", created_by=maker, env={"KEY": f"{mark}-env"}
    )
    run = run_of(deployment, cluster, now, live=False)
    run.detail, run.spec = f"{mark} detail", {"docker_image": "busybox", "env": {"KEY": f"{mark}-env"}}
    certificate = certificate_of(cluster, now)
    certificate.numbers = numbers(victim=deployment.pk, preemptor=deployment.pk)
    rows = [
        organization,
        cluster,
        deployment,
        run,
        CredentialFactory(organization=organization, name=f"{mark} credential"),
        Allocation(run=run, cluster=cluster, gpu=1000, cpu=1000, ram=1024, handle=mark),
        DeploymentEvent(
            deployment=deployment, organization=organization, kind="submitted", source="user", actor=maker
        ),
        ClusterEvent(
            **of_it, kind="renamed", actor=maker, data={"old": {"name": mark}, "new": {"name": mark}}
        ),
        cycle_of(cluster, now),
        certificate,
        ClusterPolicy(cluster=cluster, preset="balanced"),
        AuditEntry(
            actor=maker,
            action="organization.renamed",
            target=f"organization:{organization.pk}",
            organization_id=organization.pk,
            detail={"new": mark},
            address="203.0.113.77",
        ),
        simulation_of(cluster, maker),
        (
            delivery := DeliveryFactory(
                webhook__organization=organization, webhook__url=f"https://{mark}.example.org"
            )
        ),
        delivery.webhook,
        UsageHour(
            organization=organization,
            user=maker,
            priority=2,
            hour=now,
            gpu_seconds=60,
            cpu_seconds=1,
            ram_gb_seconds=1,
        ),
    ]
    for row in rows:
        row.save()
    return {row._meta.label_lower: row for row in rows}


def numbers(*, victim: int, preemptor: int) -> dict[str, Any]:
    """A certificate of one eviction."""
    need = (1000, 1000, 1024)
    return as_numbers(
        Certificate(
            policy="two_phase",
            victim_order=VictimOrder.OLDEST,
            may_preempt={3: frozenset({1})},
            now=0,
            work_resource=0,
            candidates=(Candidate(victim, 1, need, started_at=0, saved_at=0, lost=0),),
            steps=(Step(preemptor, 3, need, room=(0, 0, 0), victims=(victim,)),),
            given_back=(),
            room=(0, 0, 0),
        )
    )


def pages() -> dict[str, Any]:
    return {model._meta.label_lower: page for model, page in admin.site._registry.items()}


def address(page: Any, view: str, *args: Any) -> str:
    return reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_{view}", args=args)


def test_the_table_has_every_page():
    assert set(EXPECTED) == set(pages())


@pytest.fixture
def row_of(world):
    """A page's row of the lab; where rows belong to nobody, any."""

    def found(label: str) -> Any:
        if label in world.mine:
            return world.mine[label]
        model = admin.site._registry[pages()[label].model].model
        return model.objects.order_by("pk").first() or make_platform_row(label)

    return found


def make_platform_row(label: str) -> Any:
    from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask

    from accounts.models import RefreshFamily
    from scheduling.models import SeededInterval

    now = timezone.now()
    if label == "django_celery_beat.periodictask":
        interval = IntervalSchedule.objects.create(every=77, period="seconds")
        return PeriodicTask.objects.create(name="own", task="scheduling.sweep", interval=interval)
    return {
        "accounts.refreshfamily": lambda: RefreshFamily.objects.create(
            user=User.objects.first(), current_jti="x", expires_at=now
        ),
        "scheduling.seededinterval": lambda: SeededInterval.objects.create(task="t", seconds=5),
        "django_celery_beat.intervalschedule": lambda: IntervalSchedule.objects.create(
            every=7, period="seconds"
        ),
        "django_celery_beat.crontabschedule": lambda: CrontabSchedule.objects.create(minute="7"),
        "django_celery_beat.clockedschedule": lambda: ClockedSchedule.objects.create(clocked_time=now),
    }[label]()


@pytest.mark.parametrize("who", HEAD[1:])
def test_everybody_sees_and_presses_what_their_role_allows(world, row_of, who):
    browser = world.browser(who)
    found = {}
    for label, page in pages().items():
        row = row_of(label)
        may = "v" if browser.get(address(page, "change", row.pk)).status_code == 200 else ""
        may += "a" if browser.get(address(page, "add")).status_code == 200 else ""
        changed = browser.post(address(page, "change", row.pk), {"name": ""})
        told = changed.headers.get("Location") == address(page, "changelist")
        may += "c" if changed.status_code == 200 or told else ""
        may += "d" if browser.get(address(page, "delete", row.pk)).status_code == 200 else ""
        offered = [action.name for action in page.row_actions if action.offered(row)]
        buttons = [
            name for name in offered if browser.get(address(page, "act", row.pk, name)).status_code == 200
        ]
        shown = browser.get(address(page, "change", row.pk), follow=True).content.decode()
        for name in offered:
            assert (f'"{address(page, "act", row.pk, name)}"' in shown) == (name in buttons), (label, name)
        if label == "deployments.run" and browser.get(address(page, "log", row.pk)).status_code == 200:
            buttons.append("log")
        found[label] = ",".join([may or "-", *buttons])
    assert found == {label: row[who] for label, row in EXPECTED.items()}


@pytest.mark.parametrize("who", STAFF)
def test_no_page_list_or_search_tells_of_another_organization(world, who):
    browser = world.browser(who)
    clusters, deployments = (
        world.theirs[label].pk for label in ("clusters.cluster", "deployments.deployment")
    )
    asked = ({}, {"q": SOUGHT}, {"all": ""}, {"deleted": "all"}, {"q": str(clusters)})
    narrowed = (
        {"cluster__id__exact": clusters},
        {"deployment__id__exact": deployments},
        {"organization__id__exact": world.theirs["organizations.organization"].pk},
    )
    for label, page in pages().items():
        for query in (*asked, *narrowed):
            answer = browser.get(address(page, "changelist"), query)
            assert answer.status_code in {200, 302, 400, 404}, (label, query)
            assert THEIRS not in answer.content.decode(), (label, query)
            if answer.status_code == 200:
                ids = {row.pk for row in answer.context["cl"].result_list}
                assert label not in world.theirs or world.theirs[label].pk not in ids, label
        if label in world.mine:
            answer = browser.get(address(page, "change", world.mine[label].pk), follow=True)
            assert THEIRS not in answer.content.decode(), label
    found = browser.get(reverse("admin:search"), {"s": SOUGHT, "extended": "1"}).content.decode()
    assert THEIRS not in found


@pytest.mark.parametrize("who", STAFF)
def test_anothers_row_answers_like_an_absent_one(world, who):
    """Every address of every page: also of one that somebody adds tomorrow."""
    browser = world.browser(who)
    tried = 0
    for label, page in pages().items():
        theirs = world.theirs.get(label)
        for pattern in page.get_urls():
            if not pattern.name or (
                "object_id" not in str(pattern.pattern) and "run_id" not in str(pattern.pattern)
            ):
                continue
            for name in [one.name for one in (*page.row_actions, *page.row_pages)] or ["nothing"]:
                answers = []
                for pk in (theirs.pk if theirs else ABSENT - 1, ABSENT):
                    args = [pk, name] if "slug" in str(pattern.pattern) else [pk]
                    try:
                        there = reverse(f"admin:{pattern.name}", args=args)
                    except NoReverseMatch:
                        continue
                    for call in (browser.get, browser.post):
                        answer = call(there)
                        content = answer.content.decode().replace(str(pk), "ID")
                        where = answer.headers.get("Location", "").replace(str(pk), "ID")
                        answers.append(
                            (answer.status_code, content if answer.status_code != 200 else "", where)
                        )
                assert answers[: len(answers) // 2] == answers[len(answers) // 2 :], (label, pattern.name)
                assert not [status for status, *_ in answers if status == 200], (label, pattern.name)
                tried += len(answers)
    assert tried > 100


@pytest.mark.parametrize("who", STAFF)
def test_an_action_reaches_no_row_of_another_organization(world, who):
    browser = world.browser(who)
    for label, row in world.theirs.items():
        page = pages().get(label)
        if page is None:
            continue
        for action in page.row_actions:
            chosen = {"action": action.name, "_selected_action": [row.pk], "confirmed": "yes"}
            for across in ("0", "1"):
                answer = browser.post(
                    address(page, "changelist"), chosen | {"select_across": across, "q": SOUGHT}, follow=True
                )
                assert THEIRS not in answer.content.decode(), (
                    label,
                    action.name,
                )
    assert (
        not AuditEntry.objects.exclude(actor=world.theirs["deployments.deployment"].created_by)
        .filter(organization_id=world.theirs["organizations.organization"].pk)
        .exists()
    )
    assert Deployment.objects.get(pk=world.theirs["deployments.deployment"].pk).status == "pending"


def test_viewers_are_offered_no_action_on_any_list(world):
    browser = world.browser("viewer")
    for label in world.mine:
        if label in pages():
            answer = browser.get(address(pages()[label], "changelist"))
            assert '<select name="action"' not in answer.content.decode(), label


def test_a_choice_among_rows_offers_only_ones_own(world):
    browser = world.browser("owner")
    for app, model, field in (
        ("deployments", "run", "cluster"),
        ("deployments", "run", "deployment"),
        ("clusters", "cluster", "organization"),
        ("scheduling", "clusterpolicy", "cluster"),
    ):
        asked = {"app_label": app, "model_name": model, "field_name": field, "term": ""}
        answer = browser.get(reverse("admin:autocomplete"), asked)
        assert answer.status_code == 200, (model, field)
        assert answer.json()["results"], (model, field)
        assert THEIRS not in answer.content.decode(), (model, field)
    users = {"app_label": "accounts", "model_name": "auditentry", "field_name": "actor", "term": ""}
    assert browser.get(reverse("admin:autocomplete"), users).status_code == 404


def test_a_form_takes_no_row_of_another_organization(world):
    browser = world.browser("owner")
    fields = {"name": "n", "runtime": "simulated", "total_gpu": 1, "total_cpu": 1, "total_ram": 1,
              "max_grace_period_seconds": 30}  # fmt: skip
    fields["organization"] = world.theirs["organizations.organization"].pk
    answer = browser.post(address(pages()["clusters.cluster"], "add"), fields)
    assert answer.status_code == 200
    assert "organization" in answer.context["adminform"].form.errors
    assert not Cluster.objects.filter(name="n").exists()


def test_who_owns_one_organization_makes_nothing_in_another_where_they_are_a_member(world):
    alice = world.cast["owner"]
    elsewhere = MembershipFactory(user=alice, role=Role.MEMBER).organization
    fields = {"name": "n", "runtime": "simulated", "total_gpu": 1, "total_cpu": 1, "total_ram": 1,
              "max_grace_period_seconds": 30, "organization": elsewhere.pk}  # fmt: skip
    answer = world.browser("owner").post(address(pages()["clusters.cluster"], "add"), fields)
    assert "you may not manage clusters" in answer.content.decode()
    assert not Cluster.objects.filter(name="n").exists()


@pytest.mark.parametrize(
    ("label", "lookup"),
    [
        ("organizations.organization", "invite_code__startswith"),
        ("deployments.deployment", "env__KEY__startswith"),
        ("deployments.run", "log_tail__contains"),
        ("clusters.cluster", "engine_problem__startswith"),
        ("clusters.cluster", "organization__invite_code__startswith"),
        ("accounts.auditentry", "address__startswith"),
        ("accounts.auditentry", "actor__password__startswith"),
    ],
)
def test_a_list_cannot_be_asked_for_what_its_page_hides(world, label, lookup):
    assert (
        world.browser("viewer").get(address(pages()[label], "changelist"), {lookup: "a"}).status_code == 400
    )


def test_an_address_is_told_to_its_own_person_alone(world):
    listed = address(pages()["accounts.auditentry"], "changelist")
    assert "203.0.113.77" in world.browser("maker").get(listed).content.decode()
    for who in ("owner", "viewer"):
        assert "203.0.113.77" not in world.browser(who).get(listed).content.decode()
        assert not world.browser(who).get(listed, {"q": "203.0.113.77"}).context["cl"].result_list


def test_a_viewer_reads_names_of_the_environment_and_no_values(world):
    for who, reads in (("member", True), ("viewer", False)):
        for label in ("deployments.deployment", "deployments.run"):
            shown = (
                world.browser(who)
                .get(address(pages()[label], "change", world.mine[label].pk))
                .content.decode()
            )
            assert ("lab-env" in shown) == reads, (who, label)


def test_a_guest_sees_of_others_on_a_cluster_an_amount_and_a_priority(world):
    cluster = world.mine["clusters.cluster"]
    own = DeploymentFactory(
        cluster=cluster, organization=Organization.objects.get(name="guests"), name="guest's own"
    )
    page = (
        world.browser("guest")
        .get(address(pages()["clusters.cluster"], "change", cluster.pk))
        .content.decode()
    )
    assert "guest&#x27;s own" in page
    assert "lab deployment" not in page
    assert "another organization&#x27;s" in page
    assert "balanced" in page
    listed = world.browser("guest").get(address(pages()["deployments.deployment"], "changelist"))
    assert [row.pk for row in listed.context["cl"].result_list] == [own.pk]
    owners = (
        world.browser("owner")
        .get(address(pages()["clusters.cluster"], "change", cluster.pk))
        .content.decode()
    )
    assert "lab deployment" in owners
    assert "guest&#x27;s own" not in owners


def test_a_certificate_tells_no_number_of_anothers_work(world):
    cluster = world.mine["clusters.cluster"]
    # A number that nothing else on the page is.
    guests = DeploymentFactory(
        pk=987_654_321, cluster=cluster, organization=Organization.objects.get(name="guests")
    )
    own = world.mine["deployments.deployment"].pk
    row = world.mine["scheduling.evictioncertificate"]
    row.numbers = numbers(victim=own, preemptor=guests.pk)
    row.save()
    shown = {
        who: world.browser(who).get(address(pages()["scheduling.evictioncertificate"], "change", row.pk))
        for who in ("operator", "owner")
    }
    told = {who: re.findall(r"\b\d+\b", answer.content.decode()) for who, answer in shown.items()}
    assert str(guests.pk) in told["operator"]
    assert str(guests.pk) not in told["owner"]
    assert str(own) in told["owner"]


def test_another_tenants_preemptor_has_no_number(world):
    cluster = world.mine["clusters.cluster"]
    guests = DeploymentFactory(cluster=cluster, organization=Organization.objects.get(name="guests"))
    run: Run = world.mine["deployments.run"]
    Run.objects.filter(pk=run.pk).update(preempted_by=guests)
    for label, pk in (("deployments.run", run.pk), ("deployments.deployment", run.deployment_id)):
        shown = world.browser("owner").get(address(pages()[label], "change", pk)).content.decode()
        assert "preempted by another organization" in shown
        assert f"#{guests.pk}" not in shown


def test_the_sidebar_leads_only_where_one_may_go(world):
    shown = (
        world.browser("owner").get(address(pages()["deployments.deployment"], "changelist")).content.decode()
    )
    for label, page in pages().items():
        if address(page, "changelist") in shown:
            assert "v" in EXPECTED[label]["owner"], label
    assert address(pages()["accounts.auditentry"], "changelist") in shown


@pytest.mark.parametrize("loss", ["is_staff", "is_active", "membership", "organization"])
def test_who_loses_what_lets_them_in_is_out_at_once(world, loss):
    browser = world.browser("member")
    listed = address(pages()["deployments.deployment"], "changelist")
    assert browser.get(listed).status_code == 200
    bob = world.cast["member"]
    if loss == "membership":
        Membership.objects.filter(user=bob).delete()
    elif loss == "organization":
        Organization.objects.filter(pk=world.lab.pk).update(deleted_at=timezone.now())
    else:
        User.objects.filter(pk=bob.pk).update(**{loss: False})
    assert browser.get(listed).status_code == 302


def test_who_changes_role_may_press_less_at_once(world):
    browser = world.browser("admin")
    button = address(pages()["clusters.cluster"], "act", world.mine["clusters.cluster"].pk, "pause")
    assert browser.get(button).status_code == 200
    Membership.objects.filter(user=world.cast["admin"]).update(role=Role.VIEWER)
    assert browser.get(button).status_code == 403
    assert browser.post(button).status_code == 403


def test_staff_of_no_organization_are_nobody(world):
    for page in pages().values():
        assert world.browser("nobody").get(address(page, "changelist")).status_code == 302
    refused = Client().post(reverse("admin:login"), {"username": "charlie", "password": PASSWORD})
    assert refused.status_code == 200


def test_staff_sign_in_and_are_where_their_deployments_are(world):
    browser = Client()
    answer = browser.post(reverse("admin:login"), {"username": "bob", "password": PASSWORD}, follow=True)
    assert [row.name for row in answer.context["cl"].result_list] == ["lab deployment"]


def test_who_is_not_a_superuser_makes_nobody_staff(world):
    user = world.cast["nobody"]
    page = address(pages()["accounts.user"], "change", user.pk)
    assert world.browser("owner").post(page, {"username": "x", "is_superuser": "on"}).status_code == 404


def test_only_models_that_say_whose_they_are_have_pages_for_staff():
    open_to_staff = {label for label, row in EXPECTED.items() if row["viewer"] != "-"}
    assert open_to_staff == {
        label
        for label, page in pages().items()
        if hasattr(page.model._default_manager, "visible_to") and not page.superusers_alone
    }


def test_the_cycles_and_certificates_of_a_shared_cluster_are_its_owners(world):
    for model in (Cycle, EvictionCertificate, Simulation):
        assert not model.objects.visible_to(world.cast["guest"]).exists()
        assert model.objects.visible_to(world.cast["viewer"]).exists()


def test_a_panel_or_a_view_that_nobody_thought_of_is_superusers_alone(world, monkeypatch):
    page = pages()["clusters.cluster"]
    monkeypatch.setattr(
        type(page),
        "panels",
        [*page.panels, lambda request, row: Panel("Tomorrow's", ("All",), [("everybody's",)])],
    )
    shown = {
        who: world.browser(who)
        .get(address(page, "change", world.mine["clusters.cluster"].pk))
        .content.decode()
        for who in ("operator", "owner")
    }
    assert "Tomorrow&#x27;s" in shown["operator"]
    assert "Tomorrow&#x27;s" not in shown["owner"]
    view = admin.site.admin_view(lambda request: HttpResponse("everybody's"))
    request = RequestFactory().get("/admin/tomorrow/")
    request.user = world.cast["operator"]
    assert view(request).status_code == 200
    request.user = User.objects.get(pk=world.cast["owner"].pk)
    with pytest.raises(Http404):
        view(request)

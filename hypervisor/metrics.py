"""Prometheus metrics: HTTP counted in each process, the domain's gauges read at scrape. Ids only, never names."""

import hmac
import ipaddress
import time
from collections.abc import Iterator
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

from clusters.amounts import RESOURCES, to_wire
from deployments.models import Priority
from hypervisor.middleware import Handler, client_address
from hypervisor.problems import only_reading, plain
from scheduling import heartbeat, tally
from scheduling.selectors import capacity_by_cluster, load_by_cluster

log = structlog.get_logger(__name__)
REQUESTS = Counter("hypervisor_http_requests_total", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram("hypervisor_http_request_seconds", "Time to answer a request.", ["method", "route"])


class CountRequests:
    """Counts each request by its route's pattern, so that ids do not make a series each."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        route = f"/{match.route}" if match else "unknown"
        method = request.method if request.method in {"GET", "POST", "PUT", "PATCH", "DELETE"} else "other"
        REQUESTS.labels(method, route, response.status_code).inc()
        SECONDS.labels(method, route).observe(time.perf_counter() - began)
        return response


class DomainCollector:
    """Queue, use and cycles, as the database and Redis have them at this moment; none of what does not answer."""

    def collect(self) -> Iterator[Any]:
        try:
            yield from self._capacity()
            yield from self._load()
        except DatabaseError as error:
            # What the processes themselves counted, their 503s too, is wanted most just then.
            log.warning("database_unavailable", error=str(error))
        yield from self._cycles()

    def _capacity(self) -> Iterator[Any]:
        capacity = GaugeMetricFamily(
            "hypervisor_cluster_capacity", "GB, cores, devices.", labels=["cluster", "resource", "kind"]
        )
        for row in capacity_by_cluster():
            for name in RESOURCES:
                for kind in ("total", "allocated"):
                    amount = to_wire(name, row[f"{kind}_{name}"])
                    capacity.add_metric([str(row["id"]), name, kind], amount)
        yield capacity

    def _load(self) -> Iterator[Any]:
        count = GaugeMetricFamily(
            "hypervisor_deployments", "That wait or hold capacity.", labels=["cluster", "status", "priority"]
        )
        oldest = GaugeMetricFamily(
            "hypervisor_oldest_wait_seconds", "Longest wait in the queue.", labels=["cluster", "priority"]
        )
        now = timezone.now()
        for row in load_by_cluster():
            cluster, priority = str(row["cluster_id"]), Priority(row["priority"]).label
            count.add_metric([cluster, row["status"], priority], row["count"])
            if row["status"] == "pending":
                oldest.add_metric([cluster, priority], (now - row["oldest"]).total_seconds())
        yield count
        yield oldest

    def _cycles(self) -> Iterator[Any]:
        totals = tally.read()
        for name, text in (
            ("scheduled", "Deployments started or promised room."),
            ("preempted", "Runs told to stop for others."),
            ("cycles", "Cycles run, one a cluster."),
        ):
            family = CounterMetricFamily(f"hypervisor_scheduler_{name}", text)
            family.add_metric([], totals.get(name, 0))
            yield family
        refused = CounterMetricFamily(
            "hypervisor_plans_refused", "Plans that the check refused; nothing was written. Report each."
        )
        refused.add_metric([], totals.get("refused", 0))
        yield refused
        buckets, sum_so_far = [], 0.0
        for bound in (*map(str, tally.BUCKETS), "+Inf"):
            sum_so_far += totals.get(f"bucket:{bound}", 0)
            buckets.append((bound, sum_so_far))
        times = HistogramMetricFamily("hypervisor_scheduler_batch_seconds", "Time of a batch of cycles.")
        times.add_metric([], buckets, totals.get("seconds", 0))
        yield times
        beat = heartbeat.last()
        if beat is not None:
            yield GaugeMetricFamily(
                "hypervisor_scheduler_heartbeat_age_seconds",
                "Since the scheduler last ran.",
                value=time.time() - beat,
            )


@only_reading
def metrics(request: HttpRequest) -> HttpResponse:
    """The scrape. With METRICS_TOKEN set its bearers alone, else loopback alone."""
    if not _may_scrape(request):
        return plain(
            403, "Send METRICS_TOKEN as a bearer token, or scrape from the same machine if none is set."
        )
    registry = CollectorRegistry()
    # With PROMETHEUS_MULTIPROC_DIR set, this process answers for all web processes.
    if settings.METRICS_FOLDER:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(REQUESTS)
        registry.register(SECONDS)
    registry.register(DomainCollector())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_scrape(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    if not settings.NUM_PROXIES and "X-Forwarded-For" in request.headers:
        # A proxy on this machine that we were not told of: its loopback address says nothing of the client's.
        return False
    try:
        return ipaddress.ip_address(client_address(request)).is_loopback
    except ValueError:
        return False

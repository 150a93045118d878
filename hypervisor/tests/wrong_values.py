"""Wrong values for each field of each writing call, and what a refusal must look like."""

from typing import Any

from accounts.tests.factories import PASSWORD

ABSENT = 999_999_999
TOO_LONG = "x" * 1_500_000

NOT_TEXT: list[Any] = [None, 5, True, [], {}, "a\0b"]
NOT_A_NAME = [*NOT_TEXT, "", "   ", "x" * 201, TOO_LONG]
NOT_WHOLE: list[Any] = ["1", 1.5, True, -1, 10**10, 10**40, [], {}]
NOT_AN_ID: list[Any] = [0, -1, "1", 1.5, None, True, 2**63, 10**40, [], {}]
NOT_AN_AMOUNT: list[Any] = [
    -1,
    -0.001,
    "1",
    "NaN",
    None,
    True,
    [],
    {},
    0.0001,
    1.2345,
    10_000_001,
    1e300,
    10**300,
]
NOT_SECONDS: list[Any] = ["1", -1, "Infinity", True, [], 1e300]
NOT_WORDS: list[Any] = ["ls", 5, {}, [1], [None], ["a\0b"], ["x"] * 1001]
NOT_ENV: list[Any] = [[], "x", 5, {"1A": "x"}, {"": "x"}, {"A\0": "x"}, {"A=B": "x"}, {"A": 1}, {"A": None},
    {"A": "\0"}, {"A": "x" * 40_000}, {"A" * 300: "x"}]  # fmt: skip
NOT_A_SERVER: list[Any] = [*NOT_TEXT, "", "   ", "https://registry.example.org", "registry.example.org/team",
    "registry", "a b.example.org", "registry.example.org:", "registry.example.org:99999",
    "x." * 128 + "org"]  # fmt: skip
IN_A_BATCH = {"name": "n", "docker_image": "busybox", "cluster_id": 1, "required_ram": 1, "required_cpu": 1}
WRONG: dict[tuple[str, str], dict[str, list[Any]]] = {
    ("POST", "/register"): {
        "username": [*NOT_TEXT, "", "x" * 151, "a b", "al/ice"],
        "password": [*NOT_TEXT, "", "short", "12345678901234"],
        "email": ["nobody", 5, [], "a@b\0.org", "x" * 300 + "@example.org"],
    },
    ("POST", "/token"): {
        "username": [*NOT_TEXT, ""],
        "password": [*NOT_TEXT, ""],
        "grant_type": ["magic", 5, [], {}],
    },
    ("POST", "/me/password"): {
        "current_password": [*NOT_TEXT, "", "wrong"],
        "new_password": [*NOT_TEXT, "", "short"],
    },
    ("PATCH", "/me"): {"username": NOT_TEXT, "email": ["nobody", 5, []]},
    ("POST", "/join-organization"): {"invite_code": [*NOT_TEXT, "", "unknown", "x" * 300]},
    ("POST", "/organizations"): {"name": NOT_A_NAME},
    ("PATCH", "/organizations/{organization_id}"): {"name": NOT_A_NAME},
    ("POST", "/organizations/{organization_id}/regenerate-invite"): {
        "expires_at": ["tomorrow", 5, [], "2026-13-01T00:00:00Z"],
        "max_uses": [0, *NOT_WHOLE],
    },
    ("PATCH", "/organizations/{organization_id}/members/{user_id}"): {"role": [*NOT_TEXT, "", "king", "Owner"]},
    ("POST", "/organizations/{organization_id}/registry-credentials"): {
        "name": NOT_A_NAME,
        "server": NOT_A_SERVER,
        "username": [*NOT_TEXT, "", "   ", "x" * 256, "a:b"],
        "password": [*NOT_TEXT, "", "x" * 8193, TOO_LONG],
    },
    ("PATCH", "/organizations/{organization_id}/registry-credentials/{credential_id}"): {
        "name": NOT_A_NAME,
        "server": NOT_A_SERVER,
        "username": ["", "a:b"],
        "password": [*NOT_TEXT, ""],
    },
    ("POST", "/organizations/{organization_id}/webhooks"): {
        "url": [*NOT_TEXT, "", "x", "https://10.0.0.1/", "http://hooks.example.org/", "https://" + "x" * 2000],
        "events": ["deployment", 5, {}, [5], [None], ["nonsense"], ["test"], ["deployment.nonsense"], ["x"] * 101],
        "active": [None, 1, "true", [], {}],
    },
    ("PATCH", "/organizations/{organization_id}/webhooks/{webhook_id}"): {
        "url": [*NOT_TEXT, "", "https://127.0.0.1/"],
        "events": [None, ["nonsense"]],
        "active": [None, 1, "true", [], {}],
    },
    ("POST", "/clusters"): {
        "name": NOT_A_NAME,
        "organization_id": [*NOT_AN_ID, ABSENT],
        "total_ram": NOT_AN_AMOUNT,
        "total_cpu": NOT_AN_AMOUNT,
        "total_gpu": NOT_AN_AMOUNT,
        "runtime": ["magic", None, 5, [], {}],
        "connection": ["x", 5, [], {"nonsense": 1}],
        "paused": ["yes", 1, None, [], {}],
        "max_grace_period_seconds": [None, *NOT_WHOLE],
    },
    ("PATCH", "/clusters/{cluster_id}"): {
        "name": NOT_A_NAME,
        "total_gpu": NOT_AN_AMOUNT,
        "organization_id": [*NOT_AN_ID, ABSENT],
        "runtime": ["magic"],
    },
    ("POST", "/clusters/{cluster_id}/declare-lost"): {"confirm": [None, 5, True, [], {}, "a\0b", "x" * 201]},
    ("POST", "/clusters/{cluster_id}/plan"): {
        "deployments": [None, 5, "x", {}, [5], [None], [[]], [{}] * 101, [{}],
            *([{"required_ram": 1, "required_cpu": 1} | wrong] for wrong in ({"nonsense": 1}, {"name": 5},
              {"priority": 4}, {"required_ram": "1"}, {"required_gpu": None}, {"required_gpu": 10_000_000}))],
    },
    ("PUT", "/clusters/{cluster_id}/shares"): {
        "shares": [None, 5, "x", {}, [5], [None], [[]], [{}], [{"organization_id": ABSENT}] * 1001,
            *([{"organization_id": id_}] for id_ in (*NOT_AN_ID, ABSENT)),
            *([{"organization_id": 1, "weight": weight}] for weight in (0, 1001, None, *NOT_WHOLE)),
            [{"organization_id": 1, "nonsense": 1}], [{"weight": 1}]],
    },
    ("PATCH", "/clusters/{cluster_id}/policy"): {
        "preset": ["fair", "Balanced", 5, True, [], {}],
        "may_preempt": ["HIGH", 5, [], {"HIGH": "LOW"}, {"HIGH": ["HIGH"]}, {"LOW": ["MEDIUM"]}, {"MEDIUM": ["HIGH"]},
            {"high": ["LOW"]}, {"3": [1]}, {"HIGH": [1]}, {"HIGH": [None]}, {"HIGH": [[]]}, {"HIGH": {"LOW": 1}},
            {"HIGH": None}],
        "victim_order": ["newest", 5, True, [], {}],
        "minimum_run_seconds": [315_360_001, *NOT_WHOLE],
        "most_evictions": [1_000_001, *NOT_WHOLE],
        "evictions_per_minute": [1_000_001, *NOT_WHOLE],
        "ageing_seconds": [0, *NOT_WHOLE],
        "lower_priority_first": ["yes", 1, [], {}],
        "share_band_percent": [101, *NOT_WHOLE],
        "organization_shares": ["yes", 1, [], {}],
        "user_shares": ["yes", 1, [], {}],
        "shortest_first": ["yes", 1, [], {}],
        "reservation_after_seconds": [315_360_001, *NOT_WHOLE],
        "user_weights": [5, "x", [], [1], {"x": 1}, {"": 1}, {"-1": 1}, {"1.5": 1}, {"1" * 30: 1}, {"²": 1},
            {str(ABSENT): 1}, {str(ABSENT): 2}, *({"1": weight} for weight in (0, -1, 1001, 1.5, "1", True, None, [])),
            {str(n): 1 for n in range(1001)}],
    },
    ("POST", "/deployments"): {
        "name": NOT_A_NAME,
        "docker_image": [*NOT_TEXT, "", "UPPER", "a b", "x" * 600, "host:port/name", "a:b:c", "a@sha256:12"],
        "cluster_id": [*NOT_AN_ID, ABSENT],
        "organization_id": [*(id_ for id_ in NOT_AN_ID if id_ is not None), ABSENT],
        "required_ram": [*NOT_AN_AMOUNT, 10_000_000],
        "required_cpu": [*NOT_AN_AMOUNT, 10_000_000],
        "required_gpu": [*NOT_AN_AMOUNT, 10_000_000],
        "priority": [0, 4, -1, 1.5, "URGENT", "", None, True, [], {}, 10**40],
        "dependency_ids": ["1", 5, None, {}, *([id_] for id_ in NOT_AN_ID), [ABSENT], list(range(1, 1002))],
        "command": [None, *NOT_WORDS],
        "args": [None, *NOT_WORDS],
        "env": [None, *NOT_ENV],
        "secret_env": [None, *NOT_ENV],
        "labels": [None, [], "x", {"": "x"}, {"a\0": "x"}, {"a": 1}, {"a": "\0"}, {"a" * 300: "x"},
            {"mlops-hypervisor.run": "1"}, {"com.docker.compose.project": "x"}, {"app.kubernetes.io/name": "x"}],
        "working_dir": [5, [], "a\0b", "x" * 1025],
        "registry_credential_id": [*(id_ for id_ in NOT_AN_ID if id_ is not None), 1],
        "image_pull_policy": ["sometimes", None, 5, [], {}],
        "restart_policy": ["sometimes", None, 5, [], {}],
        "max_retries": [None, *NOT_WHOLE],
        "time_limit_seconds": [0, *NOT_WHOLE],
        "grace_period_seconds": [None, *NOT_WHOLE],
        "expected_seconds": [0, *NOT_WHOLE],
        "checkpoint_interval_seconds": [0, *NOT_WHOLE],
        "simulated_seconds": NOT_SECONDS,
        "ports": [None, 80, "80", {}, [0], [70_000], ["80"], [1.5], [None], [80] * 101],
    },
    ("POST", "/deployments/bulk"): {
        "deployments": [None, 5, "x", {}, [], [5], [None], [[]], [{}], [{}] * 1001, [{"key": 5}],
            *([IN_A_BATCH | wrong] for wrong in ({"cluster_id": ABSENT}, {"cluster_id": None}, {"nonsense": 1},
              {"key": ""}, {"key": "x" * 201}, {"depends_on": "a"}, {"depends_on": ["a"]}, {"depends_on": [5]}))],
    },
    ("POST", "/deployments/{deployment_id}/checkpoint"): {
        "at": ["yesterday", "", 5, None, True, [], {}, "2026-13-01T00:00:00Z"],
    },
    ("PATCH", "/deployments/{deployment_id}"): {
        "name": NOT_A_NAME,
        "cluster_id": [*NOT_AN_ID, ABSENT],
        "required_gpu": [*NOT_AN_AMOUNT, 10_000_000],
        "priority": [0, 4, "URGENT"],
        "dependency_ids": [[ABSENT], [2**63], "1"],
    },
}  # fmt: skip
GOOD: dict[str, dict[str, Any]] = {
    "/register": {"username": "new", "password": PASSWORD},
    "/token": {"username": "alice", "password": PASSWORD},
    "/me/password": {"current_password": PASSWORD, "new_password": "another battery staple"},
    "/clusters": {"name": "n", "total_ram": 1, "total_cpu": 1, "total_gpu": 0},
    "/organizations/{organization_id}/registry-credentials": {
        "name": "n",
        "server": "registry.example.org",
        "username": "u",
        "password": "p",
    },
    "/organizations/{organization_id}/webhooks": {"url": "https://hooks.example.org/"},
    "/deployments": {"name": "n", "docker_image": "busybox", "required_ram": 1, "required_cpu": 1},
}


def assert_refused(answer: Any, *statuses: int) -> dict[str, Any]:
    assert answer.status_code in statuses, answer.content[:500]
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["detail"]
    assert b"Traceback" not in answer.content
    assert len(answer.content) < 200_000
    return problem

"""Steps about steering, refusals and pages."""

from hypervisor.demo.contract.scene import IMAGE, Scene


def steer(scene: Scene) -> None:
    alice, bob = scene.alice, scene.bob
    with scene.step(
        "PATCH and PUT change what they name; an unknown field is named; a running one keeps its needs"
    ):
        scene.submit("steered", 6, "LOW")
        row = alice.patch(scene.path("steered"), {"name": "renamed", "priority": "MEDIUM"})
        alice.require((row["name"], row["priority"], row["required_gpu"]) == ("renamed", 2, 6), "only these")
        row = alice.ask("PUT", scene.path("steered"), json={"required_gpu": 5})
        alice.require((row["name"], row["required_gpu"]) == ("renamed", 5), "PUT leaves the rest alone")
        alice.patch(scene.path("steered"), row)
        alice.patch(scene.path("steered"), {"colour": "red"}, status=400)
        alice.names_field("colour")
        alice.patch(scene.path("older"), {"required_gpu": 1}, status=409)
    with scene.step("cancel ends the wait; a 409 names the state and what is allowed; start queues anew"):
        alice.post(scene.path("steered", "cancel"))
        refusal = alice.post(scene.path("steered", "cancel"), status=409)
        alice.require(refusal["state"] == "cancelled" and "start" in refusal["allowed"], "state and actions")
        alice.require(alice.post(scene.path("steered", "start"))["status"] == "pending", "pending again")
        alice.post(scene.path("older", "start"), status=409)
        alice.post(scene.path("older", "cancel"), status=409)
        alice.delete(scene.path("older"), status=409)
    with scene.step("DELETE of a pending one cancels and hides it"):
        alice.delete(scene.path("steered"))
        alice.ask("GET", scene.path("steered"), status=404)
    with scene.step("a member steers their own alone; to strangers it is not there"):
        bob.ask("GET", scene.path("older"))
        bob.post(scene.path("older", "stop"), status=403)
        scene.submit("of bob", 0, "LOW", who=bob)
        scene.wait(**{"of bob": "running"})
        bob.post(scene.path("of bob", "stop"))
        scene.wait(**{"of bob": "completed"})
        for method in ("GET", "PATCH", "DELETE"):
            scene.charlie.ask(method, scene.path("older"), status=404, json={} if method == "PATCH" else None)
        scene.charlie.post(scene.path("older", "stop"), status=404)
        scene.charlie.require(scene.charlie.get("/deployments")["results"] == [], "charlie should see none")
    with scene.step("less capacity than is held is refused with the figures"):
        refusal = alice.patch(f"/clusters/{scene.cluster_id}", {"total_gpu": 1}, status=409)
        alice.require("4" in refusal["detail"], "the figure should be in the answer")


def refuse(scene: Scene) -> None:
    alice = scene.alice
    good = {
        "name": "x", "docker_image": IMAGE, "cluster_id": scene.cluster_id,
        "required_gpu": 0, "required_cpu": 1, "required_ram": 1,
    }  # fmt: skip
    wrong = {
        "required_gpu": -1,
        "required_cpu": "2",
        "required_ram": 1e300,
        "priority": "URGENT",
        "docker_image": "No Spaces",
        "cluster_id": 2**62,
        "dependency_ids": ["x"],
        "simulated_seconds": -1,
        "name": "",
        "max_retries": 1.5,
    }
    with scene.step("wrong values are a 400 that names the field"):
        for field, value in wrong.items():
            alice.post("/deployments", good | {field: value}, status=400)
            alice.names_field(field)
        alice.post("/deployments", {"name": "x"}, status=400)
        alice.names_field("docker_image")
    with scene.step("broken JSON, NaN, another content type, verb or path are refused as problems"):
        json_type = {"Content-Type": "application/json"}
        for content in (b"{", b"[]", b'{"required_gpu": NaN}', b"\xff"):
            alice.ask("POST", "/deployments", status=400, content=content, headers=json_type)
        alice.ask("POST", "/deployments", status=415, content=b"<x/>", headers={"Content-Type": "text/xml"})
        alice.ask("DELETE", "/deployments", status=405)
        alice.ask("GET", "/deployments/999999999999", status=404)
        alice.ask("GET", "/no-such-path", status=404)


def pages(scene: Scene) -> None:
    alice = scene.alice
    with scene.step("lists come in pages, both ways, filtered and ordered; an unknown parameter is named"):
        whole = [row["id"] for row in alice.get("/deployments", ordering="id", limit=1000)["results"]]
        walked, page = [], alice.get("/deployments", ordering="id", limit=4)
        alice.require(page["previous"] is None, "nothing comes before the first page")
        while True:
            walked += [row["id"] for row in page["results"]]
            if page["next"] is None:
                break
            last, page = page, alice.get(page["next"])
        alice.require(walked == whole, "the pages together should be the list")
        alice.require(alice.get(page["previous"])["results"] == last["results"], "previous leads back")
        running = alice.get("/deployments", status="running", cluster_id=scene.cluster_id)["results"]
        alice.require(sorted(row["name"] for row in running) == ["older", "younger"], "only those that run")
        alice.ask("GET", "/deployments", status=400, params={"colour": "red"})
        alice.names_field("colour")
        alice.ask("GET", "/deployments", status=400, params={"cursor": "nonsense"})
    with scene.step("probes, schema and documentation answer"):
        for path in ("/healthz", "/readyz", "/openapi.json", "/docs", "/redoc"):
            alice.last = alice.http.get(path, follow_redirects=True)
            alice.require(alice.last.status_code == 200, f"{path} should answer")

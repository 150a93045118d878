"""Steps about users, organizations and clusters."""

from hypervisor.demo.contract.scene import Scene


def sign_up(scene: Scene) -> None:
    alice = scene.alice
    with scene.step("a user registers and is answered without the password; the name is then taken"):
        for person in (alice, scene.bob, scene.charlie):
            body = {"username": person.name, "password": scene.password}
            answer = person.post("/register", body, status=201)
            person.require(
                "password" not in answer and answer["username"] == person.name, "who, but no password"
            )
        alice.post("/register", {"username": alice.name, "password": scene.password}, status=400)
        alice.names_field("username")
    with scene.step(
        "/token takes the OAuth2 form and JSON; a wrong password, no token and a forged one are 401"
    ):
        for person in (alice, scene.bob, scene.charlie):
            credentials = {"username": person.name, "password": scene.password}
            pair = person.ask("POST", "/token", data={"grant_type": "password", **credentials})
            person.require(
                pair["token_type"].lower() == "bearer" and pair["expires_in"] > 0, "a bearer token that ends"
            )
            person.ask("GET", "/me", status=401)
            person.sign_in(pair["access_token"])
        scene.alice.post("/token/", credentials)
        alice.post("/token", {**credentials, "password": "wrong"}, status=401)
        alice.ask("GET", "/me", status=401, headers={"Authorization": f"Bearer {pair['access_token']}x"})
    with scene.step("a refresh token renews and rotates; a reused old one ends its family"):
        charlie = scene.charlie
        body = {"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]}
        renewed = charlie.post("/token", body)
        charlie.post("/token", body, status=(400, 401))
        body["refresh_token"] = renewed["refresh_token"]
        charlie.post("/token", body, status=(400, 401))
        charlie.sign_in(charlie.post("/token", credentials)["access_token"])
    with scene.step("/me is the caller"):
        alice.require(alice.get("/me/")["username"] == alice.name, "alice")
        alice.patch("/me", {"email": f"{alice.name}@example.org"})
        alice.require(alice.get("/me")["email"] == f"{alice.name}@example.org", "the e-mail should be kept")


def organize(scene: Scene) -> None:
    alice, bob, charlie = scene.alice, scene.bob, scene.charlie
    with scene.step(
        "an organization belongs to its creator; bob joins by its invite code, charlie sees nothing"
    ):
        lab = alice.post("/organizations/", {"name": f"lab {scene.suffix}"}, status=201)
        scene.organization_id = lab["id"]
        path = f"/organizations/{lab['id']}"
        bob.post("/join-organization", {"invite_code": lab["invite_code"]})
        bob.require("invite_code" not in bob.get(path), "a member should not see the invite code")
        charlie.ask("GET", path, status=404)
        charlie.post("/join-organization", {"invite_code": "no-such-code"}, status=(400, 404))
        roles = [(one["id"], one["role"]) for one in bob.get("/me")["organizations"]]
        bob.require((lab["id"], "member") in roles, "bob should be a member")
    with scene.step("a new invite code ends the old one; only those who may invite make one"):
        bob.post(f"{path}/regenerate-invite", status=403)
        renewed = alice.post(f"{path}/regenerate-invite")
        alice.require(renewed["invite_code"] != lab["invite_code"], "the code should be new")
        charlie.post("/join-organization", {"invite_code": lab["invite_code"]}, status=(400, 404))
    with scene.step("a cluster is made by those who may, and shows what is free"):
        body = {"name": "site", "organization_id": scene.organization_id}
        body |= {"total_gpu": 6, "total_cpu": 32.5, "total_ram": 64}
        bob.post("/clusters", body, status=403)
        charlie.post("/clusters", body, status=(400, 404))
        cluster = alice.post("/clusters", body, status=201)
        scene.cluster_id = cluster["id"]
        alice.require(cluster["available_cpu"] == 32.5 and cluster["state"] == "ready", "all free, and ready")
        alice.post("/clusters", body, status=400)
        alice.names_field("name")
        charlie.ask("GET", f"/clusters/{cluster['id']}", status=404)


def members(scene: Scene) -> None:
    alice, path = scene.alice, f"/organizations/{scene.organization_id}"
    with scene.step("members are listed; the last owner stays"):
        members = alice.get(f"{path}/members")["results"]
        alice.require({row["role"] for row in members} == {"owner", "member"}, "an owner and a member")
        owner = next(row["user_id"] for row in members if row["role"] == "owner")
        alice.delete(f"{path}/members/{owner}", status=409)
        alice.patch(f"{path}/members/{owner}", {"role": "member"}, status=409)


def tidy(scene: Scene) -> None:
    alice = scene.alice
    cluster = f"/clusters/{scene.cluster_id}"
    with scene.step("a cluster with work, and its organization, cannot be deleted"):
        scene.submit("last", 1, "LOW")
        scene.wait(last="running")
        alice.delete(cluster, status=409)
        alice.delete(f"/organizations/{scene.organization_id}", status=409)
    with scene.step("everything stops, and all is free again"):
        scene.stop("last")
        for row in alice.get("/deployments", status="pending", limit=1000)["results"]:
            alice.post(f"/deployments/{row['id']}/cancel")
        for row in alice.get("/deployments", status="running", limit=1000)["results"]:
            alice.post(f"/deployments/{row['id']}/stop")
            scene.deployments[row["name"]] = row["id"]
            scene.wait(**{row["name"]: "completed"})
        books = alice.get(cluster)
        alice.require(books["available_gpu"] == books["total_gpu"], "everything should be free")
    with scene.step("an empty cluster is deleted, and is gone"):
        alice.delete(cluster)
        alice.ask("GET", cluster, status=404)
        scene.cluster_id = 0

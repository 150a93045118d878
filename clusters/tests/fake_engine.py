"""An engine of no kind, for tests of what is around the drivers: it has a size, or a problem."""

from clusters.runtimes.base import EngineFacts, RuntimeFailure

SOCKET = {"endpoint": "unix:///var/run/docker.sock"}
ADDRESS = {"endpoint": "tcp://gpu-box.example.com:2376"}
SERVER = {"server": "https://k8s.example.com:6443", "token": "only-for-the-test"}


class FakeEngine:
    """Has 16 cores, 64 GB and 4 GPUs. `owners` and `reaches` tell for whom it was opened."""

    def __init__(self) -> None:
        self.capacity: tuple[int, int, int] | None = (16_000, 65_536, 4000)
        self.problem = ""
        self.checks = 0
        self.owners, self.reaches = [], []

    def open(self, connection, owner, reach):
        self.owners.append(owner)
        self.reaches.append(reach)
        return self

    def check(self) -> EngineFacts:
        self.checks += 1
        if self.problem:
            raise RuntimeFailure(self.problem, permanent=False)
        return EngineFacts("99.1", self.capacity, {"operating_system": "Testix"})

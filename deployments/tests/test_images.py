"""Docker image references: the grammar."""

import pytest

from deployments.images import is_reference

DIGEST = "sha256:" + "0123456789abcdef" * 4
GOOD = [
    "ubuntu", "ubuntu:24.04", "library/ubuntu", "team/train:1", "registry.example.org/library/python:3.13-slim",
    "registry.example.org/a/b/c:v1.2", "localhost:5000/train", "localhost/train", "127.0.0.1:5000/a:b",
    "[::1]:5000/train", "[2001:db8::1]/train:x", "Registry.Example.ORG/team/train", "a--b/c__d/e.f:_1",
    f"train@{DIGEST}", f"train:1@{DIGEST}", "a" * 255, "train:" + "t" * 128, "train@sha512+b:" + "f" * 128,
    "0123456789abcdef" * 4 + ":latest",
]  # fmt: skip
BAD = [
    "", " ", "Ubuntu", "ubuntu:", ":latest", "ubuntu: 24", "ubuntu :1", "team//train", "/train", "train/",
    "-train", "train-", "a___b", "a..b", "a._b", "train:.1", "train:-1", "train:" + "t" * 129, "train@sha256:abc",
    f"train@{DIGEST[:-40]}", "train@", "http://example.org/train", "host:port/train", "train:1:2", "tr ain",
    "train\n", "train\0", "tråin", "a" * 256, "0123456789abcdef" * 4, "[::g]/train", "user@host/train",
]  # fmt: skip


@pytest.mark.parametrize("image", GOOD)
def test_a_reference_is_accepted(image):
    assert is_reference(image)


@pytest.mark.parametrize("image", BAD)
def test_anything_else_is_refused(image):
    assert not is_reference(image)

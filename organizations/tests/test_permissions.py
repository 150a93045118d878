"""Each cell of the table, in the code and on its page."""

from pathlib import Path

import pytest

from accounts.errors import Forbidden
from organizations.models import Role
from organizations.permissions import Action, allows, require

PAGE = Path(__file__).resolve().parents[2] / "docs" / "permissions.md"
TABLE = """
READ                    owner admin member viewer
READ_ENV                owner admin member
READ_LOGS               owner admin member
SUBMIT                  owner admin member
CHANGE_OWN_DEPLOYMENTS  owner admin member
CHANGE_ANY_DEPLOYMENT   owner admin
MANAGE_CLUSTERS         owner admin
MANAGE_CREDENTIALS      owner admin
MANAGE_WEBHOOKS         owner admin
INVITE                  owner admin
MANAGE_MEMBERS          owner admin
MANAGE_ADMINS           owner
RENAME                  owner admin
DELETE                  owner
"""
EXPECTED = {
    Action[name]: set(roles) for name, *roles in (line.split() for line in TABLE.strip().splitlines())
}


def test_every_action_has_its_row():
    assert list(EXPECTED) == list(Action)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("role", Role.values)
def test_each_role_may_do_what_the_table_says(role, action):
    assert allows(role, action) == (role in EXPECTED[action])


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("role", ["", "Owner", "superuser"])
def test_an_unknown_role_may_do_nothing(role, action):
    assert not allows(role, action)


def test_a_refusal_says_who_may():
    with pytest.raises(Forbidden) as refused:
        require(Role.VIEWER, Action.MANAGE_CLUSTERS)
    assert refused.value.detail == (
        "As viewer of this organization you may not manage clusters. Ask one of its: owner, admin."
    )


def test_the_page_shows_the_same_table():
    rows = [
        [cell.strip() for cell in line.strip("|\n").split("|")]
        for line in PAGE.read_text().splitlines()
        if line.startswith("| ")
    ]
    head, *rows = rows
    assert head == ["action", *Role.values]
    assert {
        row[0]: {role for role, cell in zip(head[1:], row[1:], strict=True) if cell == "yes"} for row in rows
    } == {action.value: roles for action, roles in EXPECTED.items()}

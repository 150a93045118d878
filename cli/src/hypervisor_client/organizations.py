"""Organizations and their members."""

from collections.abc import Iterator

from hypervisor_client.answers import Member, Organization
from hypervisor_client.resource import Resource


class Organizations(Resource):
    def list(self, *, name: str | None = None) -> Iterator[Organization]:
        """Those that the caller is in; `name`: part of the name."""
        return self._pages("/organizations", Organization, {"name": name})

    def get(self, organization_id: int) -> Organization:
        """One of them. Raises NotFound."""
        return self._get(f"/organizations/{organization_id}", Organization)

    def create(self, name: str) -> Organization:
        """A new one, which the caller owns."""
        return self._post("/organizations", Organization, {"name": name})

    def join(self, invite_code: str) -> Organization:
        """Become a member. Raises NotFound or Invalid for a code that is not good."""
        return self._post("/join-organization", Organization, {"invite_code": invite_code})

    def new_invite(
        self, organization_id: int, *, max_uses: int | None = None, expires_at: str | None = None
    ) -> Organization:
        """A new invite code; the old one dies at once. `expires_at`: RFC 3339."""
        body = {"max_uses": max_uses, "expires_at": expires_at}
        given = {name: value for name, value in body.items() if value is not None}
        return self._post(f"/organizations/{organization_id}/regenerate-invite", Organization, given)

    def members(self, organization_id: int) -> Iterator[Member]:
        """Who is in it, and as what."""
        return self._pages(f"/organizations/{organization_id}/members", Member, {})

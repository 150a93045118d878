"""Organizations and memberships for tests."""

import factory

from accounts.tests.factories import UserFactory
from organizations.models import Membership, Organization, Role


class OrganizationFactory(factory.django.DjangoModelFactory):
    """An organization with its owner: `owner=alice`, else a new user."""

    class Meta:
        model = Organization
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"organization {n}")

    @factory.post_generation
    def owner(self, create, extracted, **user):
        if create:
            Membership.objects.create(
                organization=self, user=extracted or UserFactory(**user), role=Role.OWNER
            )


class MembershipFactory(factory.django.DjangoModelFactory):
    """`MembershipFactory(organization=lab, role="viewer").user` is a new viewer of the lab."""

    class Meta:
        model = Membership

    organization = factory.SubFactory(OrganizationFactory)
    user = factory.SubFactory(UserFactory)
    role = Role.MEMBER

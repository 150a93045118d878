"""Organizations and memberships for tests."""

import factory

from accounts import secrets
from accounts.tests.factories import UserFactory
from organizations.models import Membership, Organization, Role, Webhook, WebhookDelivery
from organizations.webhooks.signing import new_secret


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


class WebhookFactory(factory.django.DjangoModelFactory):
    """A webhook that wants everything."""

    class Meta:
        model = Webhook

    organization = factory.SubFactory(OrganizationFactory)
    url = "https://hooks.example.org/events"
    secret = factory.LazyFunction(lambda: secrets.encrypt(new_secret()))


class DeliveryFactory(factory.django.DjangoModelFactory):
    """A message with one event that was not sent yet, and will not be."""

    class Meta:
        model = WebhookDelivery

    webhook = factory.SubFactory(WebhookFactory)
    body = '{"organization_id":1,"events":[{"event":"deployment","kind":"failed"}]}'
    kinds = ["deployment.failed"]
    state = "cancelled"

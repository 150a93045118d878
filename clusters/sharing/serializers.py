"""The shapes of the calls about shares."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.wire import Body, Id, Several, Whole
from clusters.models import MOST_WEIGHT
from clusters.sharing.examples import SHOWN

MOST_SHARES = 1000


class ShareBody(Body):
    organization_id = Id(
        help_text="Of any organization, also one that you do not belong to: its members know it."
    )
    weight = Whole(
        required=False,
        min_value=1,
        max_value=MOST_WEIGHT,
        help_text="Where the cluster's policy shares between organizations: one of weight 2 is due twice as much as "
        "one of weight 1. Default 1.",
    )


class SharesBody(Body):
    shares = Several(
        child=ShareBody(),
        max_length=MOST_SHARES,
        help_text="All who may use the cluster from now on. Its own organization always may, with weight 1 if it is "
        "left out.",
    )


class ShareAnswer(serializers.Serializer[Any]):
    organization_id = serializers.IntegerField()
    weight = serializers.IntegerField()


@extend_schema_serializer(examples=[OpenApiExample("with one guest", SHOWN, response_only=True)])
class SharesAnswer(serializers.Serializer[Any]):
    cluster_id = serializers.IntegerField()
    shares = ShareAnswer(
        many=True,
        help_text="To members of the cluster's organization all of them, to a guest only their own.",
    )


SharesBody.answer = SharesAnswer

"""String foreign keys are invisible to the import contracts: this walks every relation of every model."""

from django.apps import apps

ARROWS = ["accounts", "organizations", "clusters", "deployments", "scheduling", "hypervisor"]
"""From the lowest app upward; an app may point to itself and to those before it."""


def test_every_relation_of_every_model_points_down_the_arrows():
    relations = [
        (model._meta, field.name, field.related_model._meta.app_label)
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label in ARROWS
        for field in (*model._meta.get_fields(include_hidden=True), *model._meta.private_fields)
        if field.is_relation and not field.auto_created and field.related_model is not None
    ]
    upward = [
        f"{meta.label}.{name} → {target}"
        for meta, name, target in relations
        if target in ARROWS and ARROWS.index(target) > ARROWS.index(meta.app_label)
    ]
    assert upward == []
    assert len(relations) > 20

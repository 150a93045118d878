"""What a cycle need not read of a long queue: indexes that tell who is quiet, and a column that a trigger keeps."""

from django.db import migrations, models

RESTLESS = (
    models.Q(reason=None)
    | ~models.Q(reason="insufficient_capacity")
    | models.Q(seat_granted_at__isnull=False)
    | models.Q(retry_at__isnull=False)
    | models.Q(has_dependencies=True)
)
FORWARDS = """
CREATE FUNCTION deployments_has_dependencies() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE deployments_deployment SET has_dependencies = true
    WHERE id IN (SELECT deployment_id FROM made) AND NOT has_dependencies;
    RETURN NULL;
END $$;
CREATE TRIGGER has_dependencies_follows AFTER INSERT ON deployments_dependency
    REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION deployments_has_dependencies();
UPDATE deployments_deployment SET has_dependencies = true
WHERE id IN (SELECT deployment_id FROM deployments_dependency);
"""
BACKWARDS = """
DROP TRIGGER has_dependencies_follows ON deployments_dependency;
DROP FUNCTION deployments_has_dependencies();
"""


class Migration(migrations.Migration):
    dependencies = [("deployments", "0004_checkpoints")]
    operations = [
        migrations.AddField(
            model_name="deployment",
            name="has_dependencies",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddIndex(
            model_name="deployment",
            index=models.Index(
                condition=models.Q(status="pending")
                & models.Q(
                    has_dependencies=False,
                    reason="insufficient_capacity",
                    retry_at=None,
                    seat_granted_at=None,
                ),
                fields=["cluster", "priority", "required_gpu", "required_cpu", "required_ram"],
                name="quiet_by_need",
            ),
        ),
        migrations.AddIndex(
            model_name="deployment",
            index=models.Index(
                condition=models.Q(status="pending") & RESTLESS,
                fields=["cluster"],
                name="restless_of_a_cluster",
            ),
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]

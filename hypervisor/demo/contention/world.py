"""The tenants and clusters that everybody fights over, and the database's own refusal of what must never be."""

from django.db import connection

from accounts.models import User
from clusters.models import Cluster
from hypervisor.demo.contention.hands import World
from organizations.models import Membership, Organization, Role

NEVER = """
CREATE FUNCTION refuse_more_than_there_is() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.allocated_gpu > NEW.total_gpu AND (NEW.allocated_gpu > OLD.allocated_gpu OR NEW.total_gpu < OLD.total_gpu))
    OR (NEW.allocated_cpu > NEW.total_cpu AND (NEW.allocated_cpu > OLD.allocated_cpu OR NEW.total_cpu < OLD.total_cpu))
    OR (NEW.allocated_ram > NEW.total_ram AND (NEW.allocated_ram > OLD.allocated_ram OR NEW.total_ram < OLD.total_ram))
    THEN RAISE EXCEPTION 'cluster % would hold more than it has', NEW.id;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse_more_than_there_is AFTER UPDATE ON clusters_cluster
    FOR EACH ROW EXECUTE FUNCTION refuse_more_than_there_is();
"""
EXCEEDED = """
SELECT count(*) FROM clusters_cluster
WHERE allocated_gpu > total_gpu OR allocated_cpu > total_cpu OR allocated_ram > total_ram
"""
GPUS, CORES, GIGABYTES = 16, 64, 256


def build(*, organizations: int, clusters: int) -> World:
    """Make them in an empty, migrated database, where from now on no write can book more than there is."""
    with connection.cursor() as cursor:
        cursor.execute(NEVER)
    owners, mine = {}, {}
    for number in range(organizations):
        owner = User.objects.create_user(f"owner {number}", password=None)
        organization = Organization.objects.create(name=f"tenant {number}", invite_code=f"code {number}")
        Membership.objects.create(organization=organization, user=owner, role=Role.OWNER)
        owners[organization.pk] = owner.pk
        mine[organization.pk] = [
            Cluster.objects.create(
                organization=organization,
                name=f"cluster {place}",
                total_gpu=GPUS * 1000,
                total_cpu=CORES * 1000,
                total_ram=GIGABYTES * 1024,
            ).pk
            for place in range(clusters)
        ]
    return World(owners, mine)


def clusters_beyond_their_total() -> int:
    """How many hold more than they have at this moment."""
    with connection.cursor() as cursor:
        cursor.execute(EXCEEDED)
        (count,) = cursor.fetchone() or (0,)
    return int(count)

"""A real engine's GPUs are whole."""

from accounts.errors import InvalidInput
from clusters.amounts import to_wire
from clusters.models import Cluster, Runtime


def refuse_parts_of_gpus(cluster: Cluster) -> None:
    """Raise InvalidInput for a total with a part of a GPU, unless the cluster is simulated."""
    if cluster.runtime == Runtime.SIMULATED or cluster.total_gpu % 1000 == 0:
        return
    whole = to_wire("gpu", cluster.total_gpu // 1000 * 1000)
    raise InvalidInput(
        {
            "total_gpu": f"Fractions of a GPU exist only on simulated clusters. Write a whole number, such as {whole}."
        }
    )

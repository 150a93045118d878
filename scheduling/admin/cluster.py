"""What the page of a cluster has of the scheduler's, and in which order."""

from clusters.admin.cluster import ClusterAdmin
from deployments.admin.clusters import holders
from scheduling.admin import plan
from scheduling.admin.cycles import RUN_NOW, cycles
from scheduling.admin.policies import policy
from scheduling.admin.queue import queue
from scheduling.admin.simulations import of_cluster, simulate_button
from scheduling.admin.timeline import timeline

OTHERS = [panel for panel in ClusterAdmin.panels if panel is not holders]
ClusterAdmin.panels[:] = [timeline, holders, queue, cycles, of_cluster, policy, *OTHERS]
ClusterAdmin.row_actions.append(RUN_NOW)
ClusterAdmin.row_pages.append(plan.PAGE)
ClusterAdmin.ways.append(simulate_button)
ClusterAdmin.list_select_related += ("policy",)  # three panels ask for it

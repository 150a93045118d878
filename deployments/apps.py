"""What users ask for, each attempt to run it, and the reconciliation of our books with the engines."""

from django.apps import AppConfig


class DeploymentsConfig(AppConfig):
    name = "deployments"
    verbose_name = "Work"

    def ready(self) -> None:
        from clusters.credentials.services import needed_by as credential_needs
        from clusters.services import deletion_vetoes as cluster_vetoes
        from clusters.services import promised_amounts
        from clusters.sharing.services import removal_vetoes
        from deployments import selectors
        from deployments.events import KINDS
        from organizations.services import deletion_vetoes as organization_vetoes
        from organizations.webhooks.kinds import known

        known["deployment"] = KINDS
        credential_needs.append(selectors.why_credential_is_needed)
        cluster_vetoes.append(selectors.why_cluster_is_needed)
        organization_vetoes.append(selectors.why_organization_is_needed)
        removal_vetoes.append(selectors.why_share_is_needed)
        promised_amounts.append(selectors.amount_of_seats)

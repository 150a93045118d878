"""The console's pages of deployments, their runs and their story, and what clusters' pages learn from them."""

from deployments.admin import clusters, deployment, history

__all__ = ["clusters", "deployment", "history"]

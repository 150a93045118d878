"""Keys that clients give to what they submit, so that sending it again makes nothing twice."""

from django.conf import settings
from django.db import models


class SubmitKey(models.Model):
    """What one user's Idempotency-Key has made. Kept for KEPT of `deployments.services.once`."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    """A keyed hash of what was asked, for a body may hold secrets."""
    deployment_ids = models.JSONField(default=list)
    """In the order of the batch. Empty only inside of the transaction that makes them."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="submit_key_once_a_user")]

    def __str__(self) -> str:
        return f"key {self.key} of user {self.user_id}"

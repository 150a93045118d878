from django.urls import path

from organizations.webhooks import views

ALL = "organizations/<int:organization_id>/webhooks"
ONE = f"{ALL}/<int:webhook_id>"
DELIVERY = f"{ONE}/deliveries/<int:delivery_id>"
urlpatterns = [
    path(ALL, views.Webhooks.as_view(), name="webhooks"),
    path(ONE, views.OneWebhook.as_view(), name="webhook"),
    path(f"{ONE}/rotate-secret", views.RotateSecret.as_view(), name="rotate-secret"),
    path(f"{ONE}/test", views.TestWebhook.as_view(), name="test-webhook"),
    path(f"{ONE}/deliveries", views.Deliveries.as_view(), name="deliveries"),
    path(DELIVERY, views.OneDelivery.as_view(), name="delivery"),
    path(f"{DELIVERY}/redeliver", views.Redeliver.as_view(), name="redeliver"),
]

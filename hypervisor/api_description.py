"""What the API's own pages say of it."""

from typing import Any

VERSION = "0.1.0"
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "ENUM_NAME_OVERRIDES": {"DeliveryStateEnum": "organizations.webhooks.models.DeliveryState"},
    "TITLE": "MLOps Hypervisor",
    "DESCRIPTION": "Runs deployments on clusters with a fixed amount of RAM, CPU and GPU: starts what fits, queues the "
    "rest, lets HIGH work preempt lower work, and says why.",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "TAGS": [
        {"name": "accounts", "description": "Register, sign in, and who one is."},
        {"name": "organizations", "description": "Tenants: everything belongs to one. Members have roles."},
        {
            "name": "clusters",
            "description": "A fixed amount of RAM, CPU and GPU behind one container engine.",
        },
        {
            "name": "registry credentials",
            "description": "What engines need to pull an organization's private images.",
        },
        {
            "name": "deployments",
            "description": "What runs or waits: submit, start, stop, cancel, and its story.",
        },
        {"name": "events", "description": "What happens, as it happens: Server-Sent Events."},
        {"name": "webhooks", "description": "An organization's events, sent to an address of its own."},
    ],
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": True},
    "REDOC_UI_SETTINGS": {
        "theme": {
            "typography": {"fontFamily": "system-ui, sans-serif", "headings": {"fontFamily": "system-ui"}}
        }
    },
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
}

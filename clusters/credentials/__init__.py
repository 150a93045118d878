"""Registry credentials: what engines need to pull a tenant's private images."""

"""A Docker engine asked directly, past the service: what runs there is not a matter of what the books say."""

"""Addresses of services, as people write them."""


def with_scheme(url: str) -> str:
    """The address with a scheme, without a slash at its end: http for this machine, https for all others."""
    url = url.strip().rstrip("/")
    if "://" in url:
        return url
    host = url.split("/")[0].rsplit(":", 1)[0]
    return f"{'http' if host in {'localhost', '127.0.0.1', '[::1]'} else 'https'}://{url}"

"""Organizations over HTTP, by subject."""

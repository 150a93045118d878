"""PostgreSQL and Valkey as children of our own process: no Docker, no system server, no root, no TCP."""

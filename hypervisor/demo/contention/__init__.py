"""Many hands on few clusters: random operations and cycles at once, while somebody adds up the books."""

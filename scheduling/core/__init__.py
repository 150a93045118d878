"""The scheduling core: what to do, decided from a snapshot alone. No Django, clock, randomness or I/O."""

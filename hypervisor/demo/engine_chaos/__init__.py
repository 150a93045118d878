"""The worst moments: kills whoever speaks to an engine in the middle of it, hundreds of times, and checks each time."""

"""`make run`: database, broker, web, stream, workers and beat on one machine, under one process that keeps them up."""

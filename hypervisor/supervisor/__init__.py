"""`make run`: database, broker, web, worker and beat on one machine, under one process that keeps them up."""

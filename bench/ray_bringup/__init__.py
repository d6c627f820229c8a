"""How long a Ray cluster takes until a driver may start, and until the job is over."""

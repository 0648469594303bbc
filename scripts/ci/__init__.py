"""What the workflows call: the same ``fab`` tasks as a person's, with a run's keys and summary."""

"""What a person sees: steps, tables, errors. Used by the use cases and the tasks."""

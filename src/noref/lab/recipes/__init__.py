"""The recipes that ship, one YAML file an experiment."""

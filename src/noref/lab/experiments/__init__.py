"""From a recipe to a results folder, and studies over several runs."""

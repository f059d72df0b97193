"""What training needs, whatever the method: data sets, batches, the training loop, schedules and checkpoints."""

"""Recipe -> run -> results folder, and studies that compare runs."""

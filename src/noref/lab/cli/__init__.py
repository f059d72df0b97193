"""The command line `noref lab ...`: one module per group of commands, combined in `app`."""

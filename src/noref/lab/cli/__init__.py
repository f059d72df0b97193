"""The command line `noref lab ...`: one module a group of commands, put together in `app`."""

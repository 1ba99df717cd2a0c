"""The command line of PAST."""

"""Metrics on MONAI; import its modules only where torch is installed (``past-core[metrics]``)."""

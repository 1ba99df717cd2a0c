"""A translator for PAST that inverts intensities."""

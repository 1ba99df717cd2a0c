"""Pseudo-label strategies for PAST."""

"""Unpaired image translators for PAST."""

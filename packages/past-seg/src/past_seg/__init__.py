"""Segmenters for PAST, trained and applied through nnunetv2."""

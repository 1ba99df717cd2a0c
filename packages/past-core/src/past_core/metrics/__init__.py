"""Metrics of segmentations: overlap, distances between surfaces, volumes, pieces."""

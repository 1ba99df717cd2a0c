"""What each stage does: Algorithm 1 of the PAST paper, line by line.

Every function here is called with the stage's parameters and a ``Work``: its own folder,
its inputs' folders by role, a seed and a device. It sees nothing else, so what is in the
stage's fingerprint is what its result depends on. Each file appears whole or not at all;
a function that was interrupted skips what it finds and does the rest.
"""

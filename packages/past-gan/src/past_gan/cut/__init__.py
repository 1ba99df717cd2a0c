"""CUT (Park et al. 2020): one generator, whose patches must stay recognisable.

Nothing is imported here, so that ``past_gan.cut.config`` is light.
"""

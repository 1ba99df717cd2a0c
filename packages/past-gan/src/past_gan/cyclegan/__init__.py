"""CycleGAN (Zhu et al. 2017): two generators that must undo each other.

Nothing is imported here, so that ``past_gan.cyclegan.config`` is light.
"""

"""NICE-GAN (Chen et al. 2020): the discriminator's first layers are the encoder.

Nothing is imported here, so that ``past_gan.nicegan.config`` is light.
"""

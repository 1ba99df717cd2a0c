"""What networks of several GANs share: layers, loss terms, replayed images, the 2D segmenter."""

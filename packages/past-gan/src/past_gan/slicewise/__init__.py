"""Every slice-wise GAN as a translator: fit, choose among the kept ones, translate, save, load."""

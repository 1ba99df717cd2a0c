"""Translators that train nothing: what a GAN has to beat before it has earned its hours."""

"""Label-free figures of segmenters: which of several to apply where nothing is labelled."""

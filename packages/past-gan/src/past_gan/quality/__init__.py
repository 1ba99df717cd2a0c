"""How good a translator is, measured without target labels.

Every figure is a function of plain arrays and knows no translator. A scan is a stack of
slices ``(n, h, w)``, float32 grey levels in [0, 255], the axis across the slices first
(``past_gan.data.slices.slices_of``); sizes may differ between scans. All of them are
deterministic on a CPU and leave the global random state alone.

Nothing is imported here, so that each figure costs only what it needs.
"""

"""nnU-Net and its residual-encoder variant, trained and applied through nnunetv2.

``segmenter`` holds the two plugins and reads like the work itself: lay out a raw data
set (``folders``), fingerprint, plan and preprocess it (``planning``), train
(``trainer``), predict (``prediction``), and keep the result on disk (``storage``).
``amx`` and ``probe`` guard training against faulty kernels. ``config`` imports no torch.
"""

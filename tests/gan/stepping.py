"""Batches to step a model with, and which of its weights a step has moved."""

from __future__ import annotations

import torch

from past_gan.data.batch import Batch

SIDE = 24


def new_batch(step=0, size=2, *, channels=1, labelled=False):
    generator = torch.Generator().manual_seed(step)
    source, target = (
        torch.rand(size, channels, SIDE, SIDE, generator=generator) * 2 - 1 for _ in range(2)
    )
    labels = (source[:, 0] > 0).long() if labelled else None
    return Batch(source, target, labels, step=step, rate=1.0)


def snapshot(module):
    return {name: p.detach().clone() for name, p in module.named_parameters()}


def moved(before, module):
    return {name for name, p in module.named_parameters() if not torch.equal(before[name], p)}

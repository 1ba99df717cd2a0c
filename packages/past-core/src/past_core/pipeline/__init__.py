"""The chain from data set to scores: a graph of resumable stages."""

from past_core.pipeline.graph import plan
from past_core.pipeline.resolve import Request, resolve
from past_core.pipeline.run import Observer, RunResult, StageReport, run_pipeline
from past_core.pipeline.settings import Choice, PipelineConfig, Settings

__all__ = [
    "Choice",
    "Observer",
    "PipelineConfig",
    "Request",
    "RunResult",
    "Settings",
    "StageReport",
    "plan",
    "resolve",
    "run_pipeline",
]

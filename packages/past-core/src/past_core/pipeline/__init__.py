"""The chain from data set to scores: a graph of resumable stages."""

from past_core.pipeline.graph import plan
from past_core.pipeline.run import RunResult, run_pipeline
from past_core.pipeline.settings import Choice, PipelineConfig, Settings

__all__ = ["Choice", "PipelineConfig", "RunResult", "Settings", "plan", "run_pipeline"]

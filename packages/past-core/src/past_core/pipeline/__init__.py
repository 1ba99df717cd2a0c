"""From data set to scores: systems, the graph of resumable stages, and runs read from disk."""

from past_core.pipeline.chain import chain
from past_core.pipeline.clean import clean_run
from past_core.pipeline.estimate import Cost, estimate, wall_seconds
from past_core.pipeline.events import Observer, Silent, StageReport
from past_core.pipeline.executors import Inline, Processes, default_jobs
from past_core.pipeline.guards import troubles
from past_core.pipeline.opened import Run, open_run
from past_core.pipeline.request import Request
from past_core.pipeline.run import plan_pipeline, run_pipeline
from past_core.pipeline.selections import Selection, selections_of
from past_core.pipeline.systems import Systems
from past_core.pipeline.systems_file import dump_systems, load_systems

__all__ = [
    "Cost",
    "Inline",
    "Observer",
    "Processes",
    "Request",
    "Run",
    "Selection",
    "Silent",
    "StageReport",
    "Systems",
    "chain",
    "clean_run",
    "default_jobs",
    "dump_systems",
    "estimate",
    "load_systems",
    "open_run",
    "plan_pipeline",
    "run_pipeline",
    "selections_of",
    "troubles",
    "wall_seconds",
]

"""A data set looked at before anything is trained on it: what is in it, odd, wrong, mendable."""

from past_core.inspection.cases import Seen, look_at
from past_core.inspection.findings import Finding, Inspection, inspect
from past_core.inspection.mending import mend

__all__ = ["Finding", "Inspection", "Seen", "inspect", "look_at", "mend"]

"""The report: one HTML file of a run, or of several, that opens offline."""

from past_cli.report.write import write_report

__all__ = ["write_report"]

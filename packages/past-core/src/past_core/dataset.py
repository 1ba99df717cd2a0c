"""A data set: labelled source scans, unlabelled target scans, test and validation scans.

``Dataset.check`` reads everything once and reports all that is wrong together,
before any training starts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from past_core.checking import check_case, part_problems, structure_problems
from past_core.problems import refuse
from past_core.roi import ROI

if TYPE_CHECKING:
    from collections.abc import Iterator

    from past_core.case import Case
    from past_core.labels import Labels

__all__ = ["Dataset"]


@dataclass(frozen=True)
class Dataset:
    """Cases by their part in domain adaptation.

    Labels of target cases, where a data set has them (the phantom), serve the
    oracle alone: no other stage is handed them.
    """

    name: str
    labels: Labels
    source: tuple[Case, ...]
    """Labelled scans of the source contrast."""
    target: tuple[Case, ...]
    """Training scans of the target contrast."""
    test: tuple[Case, ...] = ()
    """Target scans to segment (see ``with_test``); labels, if any, are for scoring only. A scan
    may be among the target's too: then no training sees its label, the oracle's neither."""
    validation: tuple[Case, ...] = ()
    """Labelled target scans to choose settings by; no training sees their labels. They are
    segmented and scored beside the test scans, and reported apart from them."""
    roi: ROI = field(default_factory=ROI)
    """The region that the data set's own publication segments in."""
    translation_roi: ROI | None = None
    """The region that it translates in, which holds ``roi``; None: the same."""
    notes: tuple[str, ...] = ()
    """What a reader found out that a user should see: which label it took for which image."""

    def cases(self) -> Iterator[Case]:
        """All cases: source, target, test, validation."""
        for cases in self.parts().values():
            yield from cases

    def parts(self) -> dict[str, tuple[Case, ...]]:
        """Cases by the name of their part."""
        return {
            "source": self.source,
            "target": self.target,
            "test": self.test,
            "validation": self.validation,
        }

    @property
    def segmented(self) -> tuple[Case, ...]:
        """What systems are applied to: test and validation scans."""
        return (*self.test, *self.validation)

    def with_test(self) -> Dataset:
        """The same, but where no test scan is named, the target's scans are to be segmented.

        Validation scans, which are segmented anyway, are not among them; nor are their labels,
        so that nothing is scored that was not meant to be.
        """
        if self.test:
            return self
        known = {case.id for case in self.validation}
        test = [replace(case, label=None) for case in self.target if case.id not in known]
        return replace(self, test=tuple(test))

    def check(self) -> None:
        """Read every file and report all problems at once.

        Raises
        ------
        DataError
            One line a problem, each naming the file, the value and the remedy.
        """
        problems = [*part_problems(self.parts())]
        source = [check_case(case, self.labels, self.roi) for case in self.source]
        others = [
            check_case(case, self.labels, self.roi)
            for case in (*self.target, *self.test, *self.validation)
        ]
        problems += [line for one in (*source, *others) for line in one.problems]
        problems += structure_problems(source, self.labels)
        refuse(f"data set {self.name}", problems)

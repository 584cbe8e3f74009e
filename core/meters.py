"""Numbers for Prometheus."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import Counter, Gauge, Histogram

from core.jobs import Job, State

CALLS = Counter("atelier_gateway_calls", "Calls to the gateway", ["family", "outcome"])
SECONDS = Histogram("atelier_gateway_seconds", "Seconds a gateway call took", ["family"])


class JobMeters:
    """Jobs by state, and the moves they make."""

    def __init__(self) -> None:
        """Register with the default registry."""
        self._now = Gauge("atelier_jobs", "Jobs by state", ["state"])
        self._moves = Counter("atelier_job_moves", "Jobs that reached a state", ["state"])

    def set_counts(self, counts: Mapping[State, int]) -> None:
        """Set the number of jobs in every state."""
        for state in State:
            self._now.labels(state).set(counts.get(state, 0))

    def moved(self, job: Job) -> None:
        """Count a job that reached its present state."""
        self._moves.labels(job.state).inc()


JOBS = JobMeters()

"""Scores photos on a Ray cluster, through Ray Data; needs the extra `ray`. docs/how-to/clusters.md describes use and failures.

Each scorer is an actor that works in a child process, so that a photo that crashes a decoder ends the child and not the actor.
Ray starts killed actors again and repeats what they were doing.
"""

from noref.ray.running import run
from noref.ray.scoring import score

__all__ = ["run", "score"]

"""Batches of photographs: planned before they start, safe against any kill, resumed by content.

The engine shows nothing and knows no command line: `plan_batch` settles names, `run_batch` works and tells events.
"""

from restorect.images.write import WriteOptions
from restorect.infer.batch.events import Began, Event, Failed, Restored, Skipped, Summary
from restorect.infer.batch.failures import BusyError, Failure, OutputError
from restorect.infer.batch.memory import MemoryBudget
from restorect.infer.batch.names import NameTemplate
from restorect.infer.batch.part import Part
from restorect.infer.batch.photo_job import restore_one
from restorect.infer.batch.plan import Job, Naming, Plan, output_kind, plan_batch, plan_failed, plan_sources
from restorect.infer.batch.run import run_batch
from restorect.infer.batch.settings import RestoreSettings
from restorect.infer.batch.sources import Source, find_sources
from restorect.infer.batch.stop import Stop
from restorect.infer.options import Options

__all__ = [
    "Began",
    "BusyError",
    "Event",
    "Failed",
    "Failure",
    "Job",
    "MemoryBudget",
    "NameTemplate",
    "Naming",
    "Options",
    "OutputError",
    "Part",
    "Plan",
    "RestoreSettings",
    "Restored",
    "Skipped",
    "Source",
    "Stop",
    "Summary",
    "WriteOptions",
    "find_sources",
    "output_kind",
    "plan_batch",
    "plan_failed",
    "plan_sources",
    "restore_one",
    "run_batch",
]

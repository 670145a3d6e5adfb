"""Batches of photographs: planned before they start, safe against any kill, resumed by content.

The engine shows nothing and knows no command line: `plan_batch` settles names, `run_batch` works and tells events.
"""

from restorect.infer.batch.events import Began, Event, Failed, Restored, Skipped, Summary
from restorect.infer.batch.failures import BusyError, Failure, OutputError
from restorect.infer.batch.memory import MemoryBudget
from restorect.infer.batch.names import NameTemplate
from restorect.infer.batch.networks import Chooser, Networks, RestorerLike
from restorect.infer.batch.photos import Photos
from restorect.infer.batch.plan import Job, Naming, Plan, plan_batch, plan_sources
from restorect.infer.batch.run import run_batch
from restorect.infer.batch.settings import RestoreSettings
from restorect.infer.batch.sources import Source, find_sources
from restorect.infer.batch.steps import restore_one
from restorect.infer.batch.stop import Stop

__all__ = [
    "Began",
    "BusyError",
    "Chooser",
    "Event",
    "Failed",
    "Failure",
    "Job",
    "MemoryBudget",
    "NameTemplate",
    "Naming",
    "Networks",
    "OutputError",
    "Photos",
    "Plan",
    "RestoreSettings",
    "Restored",
    "RestorerLike",
    "Skipped",
    "Source",
    "Stop",
    "Summary",
    "find_sources",
    "plan_batch",
    "plan_sources",
    "restore_one",
    "run_batch",
]

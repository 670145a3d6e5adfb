"""The stages of training, each a module from a batch to named losses (RestoRect; METHOD 9)."""

from restorect.train.stages.decomposition import DecompositionStage
from restorect.train.stages.exposure import ExposureStage
from restorect.train.stages.stage import Losses, Stage
from restorect.train.stages.student import CodesStage, DirectStage, FlowStage, StudentStage, TransformerStage
from restorect.train.stages.teacher import TeacherStage

__all__ = [
    "CodesStage",
    "DecompositionStage",
    "DirectStage",
    "ExposureStage",
    "FlowStage",
    "Losses",
    "Stage",
    "StudentStage",
    "TeacherStage",
    "TransformerStage",
]

"""What no threshold sees: learned detectors, and the sensors that deceive them."""

from rules.detectors.columns import judge_columns
from rules.detectors.fitting import TooLittleToLearn, fit_joint, varies
from rules.detectors.joint import Contribution, Joint, JointSettings, JointState
from rules.detectors.shape import Detector, Score
from rules.detectors.threshold import Phase, Standing, Threshold
from rules.detectors.watch import Judged, Watch, begin, relearn, watch

__all__ = [
    "Contribution",
    "Detector",
    "Joint",
    "JointSettings",
    "JointState",
    "Judged",
    "Phase",
    "Score",
    "Standing",
    "Threshold",
    "TooLittleToLearn",
    "Watch",
    "begin",
    "fit_joint",
    "judge_columns",
    "relearn",
    "varies",
    "watch",
]

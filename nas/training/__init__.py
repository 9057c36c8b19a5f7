"""Training of one network: the recipe, the loop, evaluation and checkpoints.

Importing this package, or its `config` and `schedule`, does not load torch. The working parts are
`nas.training.trainer.Trainer` and `nas.training.evaluate.evaluate`.
"""

from nas.training.config import TRAININGS, TrainingConfig, training_key

__all__ = ["TRAININGS", "TrainingConfig", "training_key"]

"""Data sets, their splits, batches and augmentation.

Importing this package, or its `config`, loads neither torch nor torchvision nor scikit-learn. The working parts are
`nas.data.load.load_data`, `nas.data.batches.batches`, `nas.data.augment.augment` and `nas.data.mixing.mixed`.
"""

from nas.data.config import DATASETS, AugmentConfig, DataConfig

__all__ = ["DATASETS", "AugmentConfig", "DataConfig"]

"""What a model folder was trained on."""

from pathlib import Path

import model_folders

from nas.data.config import DataConfig
from nas.run.delivered import trained


def test_the_splits_of_its_own_data_are_cut_as_they_were(tmp_path: Path) -> None:
    """Or else split A would hold images that the network was trained on."""
    config = DataConfig(name="fashion-mnist", resolution=28, split_seed=3, validation_share=0.2)
    folder = model_folders.make(tmp_path / "model", config, tuple("0123456789"))
    for name, root in ((None, None), ("fashion-mnist", None), (None, "/data"), ("fashion-mnist", "/data")):
        (found,) = trained(folder, name=name, root=root)
        assert (found.data.split_seed, found.data.validation_share, found.data.root) == (3, 0.2, root)
    (other,) = trained(folder, name="digits")
    assert (other.data.name, other.data.split_seed, other.data.resolution) == ("digits", 0, 8)

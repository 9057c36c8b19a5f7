"""What configurations accept."""

import subprocess
import sys
from typing import Any

import pytest

from nas.data import AugmentConfig, DataConfig
from nas.errors import DataError


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "fashion-minst"}, 'but got "fashion-minst"; did you mean "fashion-mnist"?'),
        ({"name": "CIFAR-10"}, 'did you mean "cifar10"?'),
        (
            {"name": "zzz"},
            '`data.name` must be one of digits, fashion-mnist, cifar10, cifar100, folder, waves, but got "zzz".',
        ),
        ({"name": "folder"}, "`data.root` must name the image folder"),
        (
            {"name": "waves", "root": "/data"},
            '`data.root` must be left out for waves, which need no files, but got "/data".',
        ),
        (
            {"name": "digits", "resolution": 3},
            "`data.resolution` must be between 4 and 2048 pixels or steps, but got 3.",
        ),
        ({"name": "digits", "validation_share": 0.0}, "but got 0.0."),
        ({"name": "digits", "validation_share": 0.41}, "but got 0.41."),
        ({"name": "digits", "validation_share": float("nan")}, "but got nan."),
        ({"name": "digits", "split_seed": -1}, "`data.split_seed` must be at least 0, but got -1."),
        ({"name": "digits", "limit": 0}, "`data.limit` must be at least 1 image, but got 0."),
    ],
)
def test_data_config_refuses(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError) as caught:
        DataConfig(**fields)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"shift_pixels": -1}, "`shift_pixels` must be at least 0, but got -1."),
        ({"shift_padding": "wrap"}, '`shift_padding` must be zero or reflect, but got "wrap".'),
        ({"erase_fill": "black"}, '`erase_fill` must be mean or noise, but got "black".'),
        ({"erase_probability": 1.5}, "`erase_probability` must be between 0 and 1, but got 1.5."),
        ({"photometric_strength": float("nan")}, "but got nan."),
        ({"mixup_alpha": -0.1}, "`mixup_alpha` must be between 0 and 1000, but got -0.1."),
        ({"cutmix_alpha": float("inf")}, "`cutmix_alpha` must be between 0 and 1000, but got inf."),
        ({"crop_area": (0.5, 0.2)}, "`0 < low <= high <= 1` must hold for `crop_area`, but got low=0.5, high=0.2."),
        ({"erase_area": (0.0, 0.2)}, "for `erase_area`, but got low=0.0, high=0.2."),
    ],
)
def test_augment_config_refuses(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError) as caught:
        AugmentConfig(**fields)
    assert message in str(caught.value)


def test_the_package_and_its_config_load_no_torch() -> None:
    code = "import nas.data, sys; print({'torch', 'torchvision', 'sklearn', 'PIL'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

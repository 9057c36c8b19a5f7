"""What Table 1 of "Going Deeper with Convolutions" (arXiv 1409.4842) prints, to stand beside ours.

The operations agree with exact counts within 1% in every row but 5a and the last layer's, printed as 1M; the parameter
column is loose.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class Printed(NamedTuple):
    """A row's last two columns, as printed."""

    operations: str
    params: str


TABLE_1: Final[Mapping[str, Printed]] = MappingProxyType(
    {
        "conv1": Printed("34M", "2.7K"),
        "conv2": Printed("360M", "112K"),
        "3a": Printed("128M", "159K"),
        "3b": Printed("304M", "380K"),
        "4a": Printed("73M", "364K"),
        "4b": Printed("88M", "437K"),
        "4c": Printed("100M", "463K"),
        "4d": Printed("119M", "580K"),
        "4e": Printed("170M", "840K"),
        "5a": Printed("54M", "1072K"),
        "5b": Printed("71M", "1388K"),
        "linear": Printed("1M", "1000K"),
    }
)
"""By the names that our rows bear."""

"""A delivered network as the trunk of a detector: the outputs of its stages, and a feature pyramid on them."""

from collections import OrderedDict
from pathlib import Path

from torch import Tensor, nn
from torchvision.ops.feature_pyramid_network import FeaturePyramidNetwork, LastLevelMaxPool

from nas.data.splits import Channels
from nas.errors import ModelError
from nas.network.fold import fold
from nas.network.network import Network, module_name
from nas.schedule import schedule
from nas.training.model_folder import load_model, read_facts


class Trunk(nn.Module):
    """The stages of a network, without its classifier. Batch-norm is folded, which freezes its statistics.

    Attributes:
        names: of the stages: "3", "4", "5", as in the paper.
        channels: of each stage's output.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = fold(network)
        self.network.plan = "plain"
        outputs = self.network.lowered.outputs.stages
        self.names = tuple(str(place) for place in range(3, 3 + len(outputs)))
        self.channels = tuple(value.channels for value in outputs)
        # Layers behind the last stage would be parameters without a gradient.
        steps = schedule(self.network.lowered.operations, tuple(value.name for value in outputs))
        needed = {module_name(step.operation.name) for step in steps}
        for name in [name for name, _ in self.network.named_children() if name not in needed]:
            delattr(self.network, name)
        self.network.requires_grad_(True)

    def forward(self, images: Tensor) -> "OrderedDict[str, Tensor]":
        """Maps of each stage by its name, of images (batch, 3, height, width)."""
        return OrderedDict(zip(self.names, self.network.features(images), strict=True))


class Backbone(nn.Module):
    """A trunk with a feature pyramid (Lin et al., arXiv 1612.03144), as torchvision's ``BackboneWithFPN``.

    Attributes:
        body: the trunk, with trained weights.
        fpn: the pyramid, with new weights.
        out_channels: of every map.
        mean: of each channel, for ``image_mean`` of torchvision's detectors.
        std: of each channel, for ``image_std``.
    """

    def __init__(self, body: Trunk, *, out_channels: int, mean: Channels, std: Channels) -> None:
        super().__init__()
        self.body = body
        self.fpn = FeaturePyramidNetwork(list(body.channels), out_channels, extra_blocks=LastLevelMaxPool())
        self.out_channels = out_channels
        self.mean, self.std = list(mean), list(std)

    def forward(self, images: Tensor) -> "OrderedDict[str, Tensor]":
        """Maps from fine to coarse, a last one pooled from the coarsest ("pool"), all with ``out_channels``."""
        maps: OrderedDict[str, Tensor] = self.fpn(self.body(images))
        return maps


def backbone(folder: str | Path, *, out_channels: int = 256, seed: int | None = None) -> Backbone:
    """The network of a model folder as the backbone of torchvision's detectors.

    ::

        body = nas.backbone("runs/out/my-model")
        detector = FasterRCNN(body, num_classes=91, image_mean=body.mean, image_std=body.std)

    The anchor generator needs one tuple of sizes for each stage and one for the pooled map. The weights of the
    pyramid are drawn from torch's generator, as torchvision does.

    Args:
        folder: as `nas train`, `nas top` and `nas baseline` write it.
        out_channels: of the pyramid.
        seed: of the training whose weights are taken; None is the one that was best on split A.

    Raises:
        ModelError: no model folder, weights that do not fit, or a network for series.
    """
    network = load_model(folder, seed=seed)
    if network.lowered.dims != 2:
        raise ModelError(f"a backbone must be of a network for images, but {folder} holds one for series.")
    facts = read_facts(folder)
    return Backbone(Trunk(network), out_channels=out_channels, mean=facts.mean, std=facts.std)

"""Networks of torch modules, built from the lowering; importing this package does not import torch."""

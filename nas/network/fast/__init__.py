"""The fast plan of a network on the CPU: one autograd node with kernels of its own between the convolutions."""
